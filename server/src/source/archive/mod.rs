//! Files and folders as one archive made on the way: streamed, never a temporary copy, the same
//! bytes for the same files. One that changes, vanishes or appears meanwhile is an error that names it.

mod outlet;
mod tar;
mod zip;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use cap_fs_ext::FollowSymlinks;
use cap_std::fs::Dir;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use self::outlet::{Outlet, Stop};
use super::{
    Opened, Production, Sharing, SourceError, Tether, Work, feed,
    place::{open_below, open_root, told},
    print::Print,
};

/// What goes into an archive.
#[derive(Debug, Clone)]
pub(crate) struct ArchiveRecipe {
    /// What kind of archive.
    pub format: Format,
    /// The folders whose files go in.
    pub folders: Vec<Folder>,
    /// Which files of them, as globs on their names in the archive; none for all.
    pub include: Option<globset::GlobSet>,
}

/// A folder of an archive. Nothing outside of it is read.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    /// Where it is.
    pub root: PathBuf,
    /// What its files' names in the archive begin with: empty, or a path without its last slash.
    pub prefix: String,
}

/// The kinds of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Deflated, with zip64 where it is needed.
    Zip,
    /// A tar in one Zstandard frame.
    TarZst,
}

/// What goes in, in the order in which it does.
#[derive(Debug)]
pub(super) struct Listing {
    recipe: ArchiveRecipe,
    roots: Vec<Dir>,
    members: Vec<Member>,
}

/// One file of an archive.
#[derive(Debug)]
struct Member {
    /// In the archive.
    name: String,
    /// Which of the folders it is below.
    folder: usize,
    relative: PathBuf,
    print: Print,
}

pub(super) async fn list(recipe: ArchiveRecipe) -> Result<Opened, SourceError> {
    let listing = tokio::task::spawn_blocking(move || {
        let roots = recipe
            .folders
            .iter()
            .map(|folder| {
                open_root(&folder.root).map_err(|error| told(last_name(&folder.root), error))
            })
            .collect::<Result<_, _>>()?;
        let members = members(&recipe)?;
        Ok(Listing {
            recipe,
            roots,
            members,
        })
    });
    let listing = listing
        .await
        .map_err(|_| SourceError::io("the archive", io::ErrorKind::Interrupted.into()))??;
    let mut digest = Sha256::new();
    for member in &listing.members {
        digest.update(member.name.as_bytes());
        digest.update([0]);
        digest.update(member.print.bytes());
    }
    let now = SystemTime::now();
    let settled = listing.members.iter().all(|m| m.print.is_settled(now));
    Ok(Opened {
        print: hex::encode(digest.finalize()),
        sharing: if settled {
            Sharing::Lasting
        } else {
            Sharing::Flight
        },
        found: super::Found::Here(super::Here::Archive(listing)),
    })
}

pub(super) fn start(listing: Listing, tether: &Tether) -> Production {
    let sizes = listing.members.iter().map(|member| member.print.size);
    tether.work.begin(sizes.sum());
    let work = tether.work.clone();
    // No print: a compressor of another build may make other bytes of the same files.
    feed(tether, None, None, move |chunks| {
        let outlet = Outlet::new(chunks);
        let written = match listing.recipe.format {
            Format::Zip => zip::write(&listing, &work, outlet),
            Format::TarZst => tar::write(&listing, &work, outlet),
        };
        match written {
            Ok(outlet) => {
                listing.still_holds()?;
                outlet.send_rest();
                Ok(())
            }
            Err(Stop::NobodyListens) => Ok(()),
            Err(Stop::Source(error)) => Err(error),
        }
    })
}

/// The files of an archive in the order of their names, so that its bytes are always the same.
/// Links are not followed, and pipes and devices are no files.
fn members(recipe: &ArchiveRecipe) -> Result<Vec<Member>, SourceError> {
    let mut members = Vec::new();
    for (index, folder) in recipe.folders.iter().enumerate() {
        for entry in WalkDir::new(&folder.root).sort_by_file_name() {
            let entry = entry.map_err(|error| walk_error(folder, error))?;
            let Ok(relative) = entry.path().strip_prefix(&folder.root) else {
                continue;
            };
            let name = name_in_archive(&folder.prefix, relative);
            let wanted = recipe.include.as_ref();
            if !entry.file_type().is_file() || wanted.is_some_and(|globs| !globs.is_match(&name)) {
                continue;
            }
            let metadata = entry
                .metadata()
                .map_err(|error| walk_error(folder, error))?;
            members.push(Member {
                name,
                folder: index,
                relative: relative.to_owned(),
                print: Print::from(&metadata),
            });
        }
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    // A folder named twice, or inside another that is named, gives the same file twice.
    members.dedup_by(|b, a| a.name == b.name && a.print == b.print);
    if let Some(pair) = members.windows(2).find(|pair| pair[0].name == pair[1].name) {
        let error = io::Error::new(
            io::ErrorKind::InvalidInput,
            "two files would have this name in the archive",
        );
        return Err(SourceError::io(&pair[0].name, error));
    }
    Ok(members)
}

fn walk_error(folder: &Folder, error: walkdir::Error) -> SourceError {
    let depth = error.depth();
    let what = last_name(error.path().unwrap_or(&folder.root));
    let error = io::Error::from(error);
    if depth > 0 && error.kind() == io::ErrorKind::NotFound {
        return vanished(what);
    }
    SourceError::io(what, error)
}

fn vanished(what: String) -> SourceError {
    SourceError::Changed {
        what,
        how: "vanished",
    }
}

fn last_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || "the folder".into(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn name_in_archive(prefix: &str, relative: &Path) -> String {
    let parts = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    let mut name = prefix.to_owned();
    for part in parts {
        if !name.is_empty() {
            name.push('/');
        }
        name.push_str(&part);
    }
    name
}

impl Listing {
    /// Opens a member, if it is still the file that was listed. A link that took its place is not
    /// followed.
    fn open<'a>(&self, member: &'a Member, work: &'a Work) -> Result<Input<'a>, SourceError> {
        let root = &self.roots[member.folder];
        let file = open_below(root, &member.relative, FollowSymlinks::No).map_err(|error| {
            match error.kind() {
                io::ErrorKind::NotFound => vanished(member.name.clone()),
                // A link, where a file was.
                _ if error.raw_os_error() == Some(LOOP) => SourceError::changed(&member.name),
                _ => told(member.name.clone(), error),
            }
        })?;
        if !member.print.is_unchanged(&Print::of(&file, &member.name)?) {
            return Err(SourceError::changed(&member.name));
        }
        Ok(Input {
            file,
            member,
            left: member.print.size,
            work,
            error: None,
        })
    }

    /// Looks again, after all was read: what is there now must be what was put in.
    fn still_holds(&self) -> Result<(), SourceError> {
        let now = members(&self.recipe)?;
        let (mut before, mut after) = (self.members.iter().peekable(), now.iter().peekable());
        loop {
            let (what, how) = match (before.peek(), after.peek()) {
                (None, None) => return Ok(()),
                (Some(old), Some(new)) if old.name == new.name => {
                    if old.print.is_unchanged(&new.print) {
                        before.next();
                        after.next();
                        continue;
                    }
                    (&old.name, "changed")
                }
                (Some(old), new) if new.is_none_or(|new| old.name < new.name) => {
                    (&old.name, "vanished")
                }
                (_, Some(new)) => (&new.name, "appeared"),
                (Some(old), None) => (&old.name, "vanished"),
            };
            return Err(SourceError::Changed {
                what: what.clone(),
                how,
            });
        }
    }
}

/// What opening a link says where links are not followed (ELOOP).
const LOOP: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };

/// A member being read: exactly as many bytes as were listed, or an error that names it.
struct Input<'a> {
    file: File,
    member: &'a Member,
    left: u64,
    work: &'a Work,
    error: Option<SourceError>,
}

impl Input<'_> {
    /// All of it was read. Whether it is still what it was.
    fn done(&self) -> Result<(), SourceError> {
        self.member.print.still_holds(&self.file, &self.member.name)
    }

    /// Why reading failed, where it did: what writes an archive tells a failed reader and a failed
    /// writer by the same error.
    fn failure(&mut self, error: &io::Error) -> Stop {
        match self.error.take() {
            Some(error) => Stop::Source(error),
            None if error.kind() == io::ErrorKind::BrokenPipe => Stop::NobodyListens,
            None => Stop::Source(SourceError::io(
                &self.member.name,
                io::Error::new(error.kind(), error.to_string()),
            )),
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if most == 0 {
            return Ok(0);
        }
        let error = match self.file.read(&mut buffer[..most]) {
            Ok(0) => SourceError::changed(&self.member.name),
            Ok(n) => {
                self.left -= n as u64;
                self.work.advance(n);
                return Ok(n);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => SourceError::io(&self.member.name, error),
        };
        self.error = Some(error);
        Err(io::ErrorKind::Other.into())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
