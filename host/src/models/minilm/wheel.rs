//! Reading a wheel: a ZIP file without encryption, without parts, and of less than 4 GB. Its list
//! of files stands at its end. What is read is checked by its SHA-256, so not by the file's own
//! sums.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use flate2::read::DeflateDecoder;

/// The marks before the end of the list, an entry of the list, and a file.
const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";

/// The lengths of what stands there, in bytes, without names and remarks.
const END_BYTES: usize = 22;
const ENTRY_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;

/// The end of the list is within so many bytes of the end of the file: a remark may follow it.
const TAIL_BYTES: u64 = 65_535 + END_BYTES as u64;
/// The longest list, in bytes.
const LIST_BYTES_MAX: u32 = 16 << 20;

/// A wheel.
pub struct Wheel {
    file: File,
    /// The list of its files, as it stands there.
    list: Vec<u8>,
}

/// A file in a wheel.
struct Entry<'a> {
    name: &'a [u8],
    /// 0: stored as it is; 8: deflated.
    method: u16,
    packed_bytes: u32,
    /// Where it begins.
    offset: u32,
}

impl Wheel {
    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, or is no such file.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let ends = tail.windows(END_BYTES).rposition(|end| end.starts_with(&END));
        let end = &tail[ends.context("it is no ZIP file, or is cut off")?..];
        let (bytes, start) = (number(end, 12)?, number(end, 16)?);
        ensure!(bytes <= LIST_BYTES_MAX, "its list of files is too long");
        file.seek(SeekFrom::Start(u64::from(start)))?;
        let mut list = Vec::new();
        (&file).take(u64::from(bytes)).read_to_end(&mut list)?;
        ensure!(list.len() == bytes as usize, "its list of files is cut off");
        Ok(Self { file, list })
    }

    /// Reads a file of it, at most so many bytes.
    ///
    /// # Errors
    ///
    /// Fails if there is none, or it cannot be unpacked.
    pub fn read(&mut self, name: &str, bytes_max: u64) -> Result<Vec<u8>> {
        let entry = find(&self.list, name)?;
        let (method, packed_bytes) = (entry.method, u64::from(entry.packed_bytes));
        self.file.seek(SeekFrom::Start(u64::from(entry.offset)))?;
        let mut head = [0; LOCAL_BYTES];
        self.file.read_exact(&mut head)?;
        ensure!(head.starts_with(&LOCAL), "`{name}` does not begin where the list says");
        let skip = i64::from(short(&head, 26)?) + i64::from(short(&head, 28)?);
        self.file.seek(SeekFrom::Current(skip))?;
        let packed = (&self.file).take(packed_bytes);
        let mut bytes = Vec::new();
        match method {
            0 => packed.take(bytes_max).read_to_end(&mut bytes)?,
            8 => DeflateDecoder::new(packed).take(bytes_max).read_to_end(&mut bytes)?,
            other => bail!("`{name}` is packed by the method {other}, which no wheel has"),
        };
        Ok(bytes)
    }
}

/// Finds a file in the list.
fn find<'a>(list: &'a [u8], name: &str) -> Result<Entry<'a>> {
    let mut rest = list;
    while rest.starts_with(&ENTRY) {
        let (name_bytes, more) = (short(rest, 28)?, [short(rest, 30)?, short(rest, 32)?]);
        let name_end = ENTRY_BYTES + usize::from(name_bytes);
        let entry = Entry {
            name: rest.get(ENTRY_BYTES..name_end).context("its list of files is damaged")?,
            method: short(rest, 10)?,
            packed_bytes: number(rest, 20)?,
            offset: number(rest, 42)?,
        };
        if entry.name == name.as_bytes() {
            return Ok(entry);
        }
        let end = name_end + more.map(usize::from).iter().sum::<usize>();
        rest = rest.get(end..).unwrap_or_default();
    }
    bail!("there is no `{name}` in it")
}

fn short(bytes: &[u8], at: usize) -> Result<u16> {
    let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    Ok(u16::from_le_bytes(*bytes.context("it is cut off")?))
}

fn number(bytes: &[u8], at: usize) -> Result<u32> {
    let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    Ok(u32::from_le_bytes(*bytes.context("it is cut off")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    /// A file in a wheel, with its entry in the list.
    fn put(wheel: &mut Vec<u8>, list: &mut Vec<u8>, name: &str, method: u16, packed: &[u8]) {
        let offset = wheel.len() as u32;
        let mut common = vec![0; 26];
        common[4..6].copy_from_slice(&method.to_le_bytes());
        common[14..18].copy_from_slice(&(packed.len() as u32).to_le_bytes());
        common[22..24].copy_from_slice(&(name.len() as u16).to_le_bytes());
        wheel.extend(LOCAL);
        wheel.extend(&common);
        wheel.extend(name.as_bytes());
        wheel.extend(packed);
        list.extend(ENTRY);
        list.extend([0, 0]);
        list.extend(&common);
        list.extend([0; 10]);
        list.extend(offset.to_le_bytes());
        list.extend(name.as_bytes());
    }

    #[test]
    fn files_are_found_by_name_stored_or_deflated() {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&[7; 10_000]).expect("memory");
        let packed = encoder.finish().expect("memory");
        let (mut wheel, mut list) = (Vec::new(), Vec::new());
        put(&mut wheel, &mut list, "a/one", 0, b"as it is");
        put(&mut wheel, &mut list, "a/two", 8, &packed);
        put(&mut wheel, &mut list, "a/odd", 12, b"?");
        let start = wheel.len() as u32;
        wheel.extend(&list);
        wheel.extend(END);
        wheel.extend([0; 8]);
        wheel.extend((list.len() as u32).to_le_bytes());
        wheel.extend(start.to_le_bytes());
        wheel.extend([6, 0]);
        wheel.extend(b"remark");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.whl");
        std::fs::write(&path, &wheel).expect("a file");
        let mut opened = Wheel::open(&path).expect("a wheel");
        assert_eq!(opened.read("a/one", 100).expect("a file"), b"as it is");
        assert_eq!(opened.read("a/two", 20_000).expect("a file"), vec![7; 10_000]);
        assert_eq!(opened.read("a/two", 5).expect("a file").len(), 5);
        for (name, why) in [("a/none", "no `a/none`"), ("a/odd", "method 12")] {
            let error = opened.read(name, 100).expect_err("refused").to_string();
            assert!(error.contains(why), "{error}");
        }
        std::fs::write(&path, &wheel[..wheel.len() / 2]).expect("a file");
        assert!(Wheel::open(&path).is_err());
    }
}
