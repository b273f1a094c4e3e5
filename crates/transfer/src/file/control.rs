//! The control record beside a part file: what is surely on the disk, and of which object.
//!
//! It is replaced atomically, only after the bytes it claims were synced, and carries a seal over
//! itself; a record whose seal does not fit proves nothing but whose it was. It never holds a URL.

use std::{
    fs, io,
    io::{Read, Write},
    ops::Range,
    path::Path,
};

use longhaul_protocol::Crc64Nvme;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Place;
use crate::SegmentView;

/// The format of this record; another one is not read.
pub(crate) const VERSION: u32 = 1;

/// Far above the largest record: 8,192 granules, each with its CRC.
const MAX_BYTES: u64 = 4 << 20;

/// What is known of a part file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) version: u32,
    /// The download it belongs to.
    pub(crate) id: Uuid,
    /// The final name.
    pub(crate) name: String,
    /// Set once a byte range may be claimed: absent for a reply without ranges.
    pub(crate) object: Option<ObjectRecord>,
    /// Granules on the disk, as ascending ranges of indices.
    pub(crate) done: Vec<Range<u32>>,
    /// The CRC of each granule in `done`, in order, 16 hexadecimal digits each.
    pub(crate) crcs: String,
    /// Beginnings of granules on the disk.
    pub(crate) heads: Vec<HeadRecord>,
    /// The name it was about to be renamed to, once everything was there.
    pub(crate) landing: Option<String>,
    pub(crate) counters: Counters,
    /// CRC-64/NVME of the record without its seal.
    pub(crate) seal: Option<Crc64Nvme>,
}

/// Which object the bytes are of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ObjectRecord {
    pub(crate) size: u64,
    pub(crate) granule: u64,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

/// The first `length` bytes of a granule, and their CRC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HeadRecord {
    pub(crate) granule: u32,
    pub(crate) length: u64,
    pub(crate) crc: Crc64Nvme,
}

/// What the download cost, over all runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Counters {
    pub(crate) fetched: u64,
    pub(crate) links_renewed: u32,
    pub(crate) blocks_refetched: u32,
}

/// What lies where a record should be.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    /// Whole, and readable by this version.
    Sound(Box<Record>),
    /// Not to be trusted; whose it was, where that can still be read.
    Damaged(Option<Uuid>),
    /// Something else under this name, never to be touched.
    Foreign,
}

impl Record {
    pub(crate) fn new(id: Uuid, name: &str) -> Self {
        Self {
            version: VERSION,
            id,
            name: name.to_owned(),
            object: None,
            done: Vec::new(),
            crcs: String::new(),
            heads: Vec::new(),
            landing: None,
            counters: Counters::default(),
            seal: None,
        }
    }

    /// Of a file that is all there, in one granule; its name is given where it lands.
    pub(crate) fn of_whole(id: Uuid, size: u64, crc: Crc64Nvme, counters: Counters) -> Self {
        let mut record = Self::new(id, "");
        record.object = Some(ObjectRecord {
            size,
            granule: size.max(1),
            etag: None,
            last_modified: None,
        });
        if size > 0 {
            record.done.push(0..1);
            record.crcs = format!("{:016x}", crc.0);
        }
        record.counters = counters;
        record
    }

    /// The same of a file that is about to have that name.
    pub(crate) fn landing_at(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            landing: Some(name.to_owned()),
            ..self.clone()
        }
    }

    /// The CRCs of the granules in `done`, or none where they do not fit one another.
    pub(crate) fn granule_crcs(&self) -> Option<Vec<(u32, u64)>> {
        let object = self.object.as_ref()?;
        if object.granule == 0 {
            return None;
        }
        let granules = object.size.div_ceil(object.granule);
        let mut digits = self.crcs.as_bytes().chunks(16);
        let mut crcs = Vec::with_capacity(self.crcs.len() / 16);
        let mut from = 0;
        for range in &self.done {
            if range.start < from || range.end <= range.start || u64::from(range.end) > granules {
                return None;
            }
            from = range.end;
            for granule in range.clone() {
                let digits = digits.next().filter(|digits| digits.len() == 16)?;
                let text = std::str::from_utf8(digits).ok()?;
                crcs.push((granule, u64::from_str_radix(text, 16).ok()?));
            }
        }
        digits.next().is_none().then_some(crcs)
    }

    /// The map of the file: each stretch that is there, with what is missing behind it.
    pub(crate) fn segments(&self) -> Vec<SegmentView> {
        let Some(object) = &self.object else {
            return Vec::new();
        };
        let start_of = |granule: u32| (u64::from(granule) * object.granule).min(object.size);
        let whole = self
            .done
            .iter()
            .map(|range| start_of(range.start)..start_of(range.end));
        let heads = self.heads.iter().map(|head| {
            let start = start_of(head.granule);
            start..start.saturating_add(head.length).min(object.size)
        });
        let mut there: Vec<_> = whole.chain(heads).filter(|one| !one.is_empty()).collect();
        there.sort_by_key(|one| one.start);
        let mut views: Vec<SegmentView> = Vec::with_capacity(there.len() + 1);
        let view = |start, done| SegmentView {
            start,
            end: object.size,
            done,
            active: false,
        };
        for one in there {
            match views.last_mut() {
                Some(last) if one.start <= last.start + last.done => {
                    last.done = last.done.max(one.end - last.start);
                }
                Some(last) => {
                    last.end = one.start;
                    views.push(view(one.start, one.end - one.start));
                }
                None if one.start > 0 => {
                    let missing = SegmentView {
                        end: one.start,
                        ..view(0, 0)
                    };
                    views.extend([missing, view(one.start, one.end - one.start)]);
                }
                None => views.push(view(0, one.end)),
            }
        }
        if views.is_empty() && object.size > 0 {
            views.push(view(0, 0));
        }
        views
    }

    fn sealed(&self) -> serde_json::Result<Self> {
        let mut record = self.clone();
        record.seal = None;
        let crc = crc_fast::crc64_nvme(&serde_json::to_vec(&record)?);
        record.seal = Some(Crc64Nvme(crc));
        Ok(record)
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        self.sealed()
            .and_then(|record| serde_json::to_vec(&record))
            .map_err(io::Error::other)
    }
}

/// Puts a record where none is; fails with `AlreadyExists` where anything is. This is what
/// reserves a name among downloads.
pub(crate) fn reserve(place: &Place, record: &Record) -> io::Result<()> {
    let mut file = fs::File::create_new(place.record())?;
    file.write_all(&record.bytes()?)
}

/// Replaces the record atomically. The caller has synced what it claims.
pub(crate) fn replace(place: &Place, record: &Record) -> io::Result<()> {
    let fresh = place.fresh_record();
    let mut file = fs::File::create(&fresh)?;
    file.write_all(&record.bytes()?)?;
    // Without this a power cut could leave the new name with an empty file behind it.
    file.sync_data()?;
    drop(file);
    fs::rename(&fresh, place.record())
}

/// Reads what is at `path`, trusting nothing.
pub(crate) fn read(path: &Path) -> io::Result<Found> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Ok(Found::Foreign);
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(judge(&bytes))
}

pub(crate) fn judge(bytes: &[u8]) -> Found {
    if bytes.len() as u64 > MAX_BYTES {
        return Found::Foreign;
    }
    if let Ok(record) = serde_json::from_slice::<Record>(bytes) {
        let sound = record.version == VERSION
            && record.seal.is_some()
            && record
                .sealed()
                .is_ok_and(|sealed| sealed.seal == record.seal);
        return match sound {
            true => Found::Sound(Box::new(record)),
            false => Found::Damaged(Some(record.id)),
        };
    }
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        // Ours by its shape, of another version: it says whose it is, and nothing else is believed.
        Ok(value) if value.get("version").is_some() && value.get("seal").is_some() => {
            let id = value.get("id").and_then(|id| id.as_str());
            Found::Damaged(id.and_then(|id| id.parse().ok()))
        }
        Ok(_) => Found::Foreign,
        Err(_) if is_torn(bytes) => Found::Damaged(id_in(bytes)),
        Err(_) => Found::Foreign,
    }
}

/// Whether these can be the remains of a record: cut short or zeroed, as a crash of the whole
/// machine leaves them.
fn is_torn(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    bytes.iter().all(|byte| *byte == 0) || text.starts_with(b"{\"version\":")
}

fn id_in(bytes: &[u8]) -> Option<Uuid> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once("\"id\":\"")?;
    rest.get(..36)?.parse().ok()
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "a single range of granules is what is meant"
)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> Record {
        let mut record = Record::new(Uuid::from_u128(7), "a.bin");
        record.object = Some(ObjectRecord {
            size: 10 << 20,
            granule: 1 << 20,
            etag: Some("\"e\"".into()),
            last_modified: None,
        });
        record.done = vec![0..2, 5..6];
        record.crcs = "0123456789abcdef".repeat(3);
        record
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let bytes = record().bytes().expect("serialises");
        let Found::Sound(read) = judge(&bytes) else {
            panic!("not sound");
        };
        assert_eq!(read.done, record().done);
        let crcs = read.granule_crcs().expect("they fit");
        assert_eq!(
            crcs.iter().map(|(granule, _)| *granule).collect::<Vec<_>>(),
            [0, 1, 5]
        );
    }

    #[test]
    fn claims_beyond_the_object_are_not_believed() {
        let mut beyond = record();
        beyond.done = vec![0..2, 10..11];
        assert_eq!(beyond.granule_crcs(), None);
        let mut backwards = record();
        backwards.done = vec![5..7, 0..1];
        assert_eq!(backwards.granule_crcs(), None);
        let mut few = record();
        few.crcs.truncate(40);
        assert_eq!(few.granule_crcs(), None);
        let mut huge = record();
        huge.done = vec![0..u32::MAX];
        assert_eq!(huge.granule_crcs(), None);
    }

    #[test]
    fn another_programs_file_is_foreign_and_a_torn_record_is_damaged() {
        assert!(matches!(judge(b"{\"url\":\"x\"}"), Found::Foreign));
        assert!(matches!(judge(b"hello"), Found::Foreign));
        assert!(matches!(judge(b""), Found::Damaged(None)));
        assert!(matches!(judge(&[0; 512]), Found::Damaged(None)));
        let bytes = record().bytes().expect("serialises");
        assert!(
            matches!(judge(&bytes[..bytes.len() / 2]), Found::Damaged(Some(id)) if id == Uuid::from_u128(7))
        );
        let newer = String::from_utf8(bytes)
            .expect("text")
            .replace("\"version\":1", "\"version\":2");
        assert!(matches!(judge(newer.as_bytes()), Found::Damaged(Some(_))));
    }

    proptest! {
        #[test]
        fn a_record_with_one_flipped_bit_is_never_sound(at in 0usize..400, bit in 0u8..8) {
            let mut bytes = record().bytes().expect("serialises");
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert!(!matches!(judge(&bytes), Found::Sound(_)));
        }

        #[test]
        fn the_map_has_no_gap_and_claims_what_is_there(
            size in 1u64..1000,
            granule in 1u64..100,
            done in proptest::collection::vec(0u32..12, 0..6),
            heads in proptest::collection::vec((0u32..12, 0u64..100), 0..4),
        ) {
            let mut record = record();
            record.object = Some(ObjectRecord { size, granule, etag: None, last_modified: None });
            record.done = done.iter().map(|one| *one..one + 1).collect();
            record.heads = heads
                .iter()
                .map(|(granule, length)| HeadRecord { granule: *granule, length: *length, crc: Crc64Nvme(0) })
                .collect();
            let mut there = vec![false; usize::try_from(size).expect("small")];
            for (start, length) in done
                .iter()
                .map(|one| (*one, granule))
                .chain(heads.iter().copied())
            {
                let start = u64::from(start) * granule;
                for at in start..(start + length).min(size) {
                    there[usize::try_from(at).expect("small")] = true;
                }
            }
            let mut at = 0;
            for view in record.segments() {
                prop_assert_eq!(view.start, at);
                prop_assert!(view.start + view.done <= view.end);
                for byte in view.start..view.end {
                    let expected = byte < view.start + view.done;
                    prop_assert_eq!(there[usize::try_from(byte).expect("small")], expected);
                }
                at = view.end;
            }
            prop_assert_eq!(at, size);
        }

        #[test]
        fn any_bytes_are_judged_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = judge(&bytes);
        }
    }
}
