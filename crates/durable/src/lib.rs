//! A sled database that answers only when the bytes are on the disk, and opens whatever happened to it.
