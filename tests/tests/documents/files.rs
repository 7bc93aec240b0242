//! Small real files of every format, each with a fact to ask about, and files that mean harm.

use std::fmt::Write as _;

/// A file, and what is asked about it.
pub struct File {
    pub name: &'static str,
    pub content: Vec<u8>,
    pub format: &'static str,
    pub question: &'static str,
    pub fact: &'static str,
}

/// A file that means harm, and the code that it is refused with; none where it does no harm.
pub struct Hostile {
    pub name: &'static str,
    pub content: Vec<u8>,
    pub code: Option<&'static str>,
}

/// One file of each format. Their names tell nothing of what they are.
pub fn all() -> Vec<File> {
    let file = |name, format, question, fact, content: &[u8]| File {
        name,
        content: content.to_vec(),
        format,
        question,
        fact,
    };
    let wide: Vec<u8> = "Der Schlüssel zum Boot hängt im Schuppen neben dem Anker.\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let coast = "Notes on the coast.\n\nThe lighthouse opens at 9:40 on weekdays.\n\n\
        The ferry does not run in winter.\n";
    let manual = "# Manual\n\n## Tank\n\nThe tank pressure is 6.2 bar.\n\n## Pump\n\n- it hums\n\
        - it leaks\n";
    let minutes = "<!doctype html><title>Minutes</title><h1>Minutes</h1><p>The minutes were \
        written by <b>Oriane Keller</b>.<p>Fin.<script>let Bob = 1;</script>";
    let people = "name,age,town\nAda,36,London\nIda,71,Oslo\nBob,5,Rome\n";
    let ports = r#"{"server": {"port": 80}, "proxy": {"port": 8443, "host": "gate"}}"#;
    let code = "fn area(width: u32, height: u32) -> u32 {\n    width * height\n}\n\n\
        fn main() {\n    print(area(2, 3));\n}\n";
    let bridges = pdf(&[
        "BT /F1 20 Tf 72 700 Td (Bridges) Tj ET",
        "BT /F1 11 Tf 72 700 Td (The old bridge was built in 1932 by) Tj \
         0 -13 Td (the railway company.) Tj ET",
    ]);
    let inventory = docx(
        "<w:p><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr><w:r><w:t>Inventory</w:t></w:r></w:p>\
         <w:p><w:r><w:t>The violin is kept by Marguerite.</w:t></w:r></w:p>",
    );
    vec![
        file("1", "plain", "When does the lighthouse open?", "opens at 9:40", coast.as_bytes()),
        file("2", "plain", "Wo hängt der Schlüssel zum Boot?", "neben dem Anker", &wide),
        file("3", "markdown", "What is the tank pressure?", "6.2 bar", manual.as_bytes()),
        file("4", "html", "Who wrote the minutes?", "Oriane Keller", minutes.as_bytes()),
        file("5", "csv", "What is the age of Ida?", "name: Ida | age: 71", people.as_bytes()),
        file("6", "json", "What is the port of the proxy?", "8443", ports.as_bytes()),
        file("7", "code", "What does area return?", "width * height", code.as_bytes()),
        file("8", "pdf", "When was the bridge built?", "built in 1932", &bridges),
        file("9", "docx", "Who keeps the violin?", "Marguerite", &inventory),
    ]
}

/// Files that mean harm.
pub fn hostile() -> Vec<Hostile> {
    let file = |name, content, code| Hostile { name, content, code };
    let bomb = vec![b' '; 64 << 20];
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0".to_vec();
    let nested = format!("{}1{}", "[".repeat(300_000), "]".repeat(300_000)).into_bytes();
    let elements = format!("<!doctype html>{}<p>deep down", "<div><b>".repeat(200_000));
    let mut broken = pdf(&["BT /F1 11 Tf 72 700 Td (whole) Tj ET"]);
    broken.truncate(200);
    let noise: Vec<u8> =
        (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut line = "word ".repeat(300_000).into_bytes();
    line.extend(b"x".repeat(300_000));
    // Rows that are a table, and then one of a million fields.
    let wide = format!("town,age\n{}{}end\n", "Oslo,7\n".repeat(50), ",".repeat(1_000_000));
    let attributes: String = (0..60_000).map(|at| format!(" a{at}=1")).collect();
    let marked = format!("<!doctype html><p{attributes}>marked<p>and more");
    let lone: Vec<u8> = [0xfeff_u16, 0xd800, 0x41, 0x20, 0xdfff, 0x42]
        .repeat(50)
        .into_iter()
        .flat_map(u16::to_be_bytes)
        .collect();
    vec![
        file("empty", b" \n\t ".to_vec(), Some("document_empty")),
        file("picture", picture, Some("document_format_unknown")),
        file("noise", noise, Some("document_format_unknown")),
        file("zip bomb", zip("word/document.xml", &bomb), Some("document_too_much_text")),
        file("zip of something", zip("a.txt", b"hello"), Some("document_format_unknown")),
        file("broken zip", b"PK\x03\x04 and nothing more".to_vec(), Some("document_damaged")),
        file("broken pdf", broken, Some("document_damaged")),
        file("pdf that is not", b"%PDF-1.7 and nothing more".to_vec(), Some("document_damaged")),
        file("pdf of pictures", pdf(&["", ""]), Some("document_without_text")),
        file("pdf bomb", pdf_bomb(), Some("document_needs_too_much_memory")),
        file("much text", "word ".repeat(2 << 20).into_bytes(), Some("document_too_much_text")),
        file("pdf of deep arrays", pdf_with(&deep("[", "]", 200_000)), Some("document_damaged")),
        file(
            "pdf of deep tables",
            pdf_with(&deep("<< /A ", ">>", 200_000)),
            Some("document_damaged"),
        ),
        file("pdf of pages in a circle", pdf_in_a_circle(), Some("document_damaged")),
        file("docx of entities", docx_of_entities(), Some("document_without_text")),
        file("one line", line, None),
        file("wide csv", wide.into_bytes(), None),
        file("many attributes", marked.into_bytes(), Some("document_takes_too_long")),
        file("deep quotes", format!("# Deep\n\n{}deep\n", "> ".repeat(100_000)).into_bytes(), None),
        file("half a character", lone, Some("document_format_unknown")),
        file("deep json", nested, None),
        file("deep html", elements.into_bytes(), None),
        file("wrong encoding", b"It was \xe9t\xe9, and \xff\xfe we ate p\xe2t\xe9.".to_vec(), None),
    ]
}

const FONT: &[u8] =
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";

/// A PDF of one font, with a content stream for each page.
fn pdf(pages: &[&str]) -> Vec<u8> {
    let kids: String = (0..pages.len()).map(|at| format!("{} 0 R ", 4 + 2 * at)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Count {} /Kids [{kids}] >>", pages.len()).into_bytes(),
        FONT.to_vec(),
    ];
    for (at, content) in pages.iter().enumerate() {
        objects.push(page(5 + 2 * at));
        let length = content.len();
        let stream = format!("<< /Length {length} >>\nstream\n{content}\nendstream");
        objects.push(stream.into_bytes());
    }
    pdf_of(&objects)
}

fn page(content: usize) -> Vec<u8> {
    format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] \
         /Resources << /Font << /F1 3 0 R >> >> /Contents {content} 0 R >>"
    )
    .into_bytes()
}

/// A PDF whose one page unpacks to more than a sandbox has room for.
fn pdf_bomb() -> Vec<u8> {
    let packed = spaces(1_024);
    let mut stream =
        format!("<< /Length {} /Filter /FlateDecode >>\nstream\n", packed.len()).into_bytes();
    stream.extend(packed);
    stream.extend(b"\nendstream");
    pdf_of(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Count 1 /Kids [4 0 R] >>".to_vec(),
        FONT.to_vec(),
        page(5),
        stream,
    ])
}

fn deep(open: &str, close: &str, depth: usize) -> String {
    format!("{}{}", open.repeat(depth), close.repeat(depth))
}

/// A PDF of one page, whose first object is this.
fn pdf_with(object: &str) -> Vec<u8> {
    pdf_of(&[
        format!("<< /Type /Catalog /Pages 2 0 R /More {object} >>").into_bytes(),
        b"<< /Type /Pages /Count 1 /Kids [4 0 R] >>".to_vec(),
        FONT.to_vec(),
        page(5),
        b"<< /Length 0 >>\nstream\n\nendstream".to_vec(),
    ])
}

/// A PDF whose table of pages holds itself.
fn pdf_in_a_circle() -> Vec<u8> {
    pdf_of(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R 3 0 R] >>".to_vec(),
        b"<< /Type /Pages /Count 9 /Kids [2 0 R 3 0 R] /Parent 3 0 R >>".to_vec(),
    ])
}

/// A DOCX whose text is an entity of entities of entities: a thousand million words.
fn docx_of_entities() -> Vec<u8> {
    let entity = |at: usize| format!("<!ENTITY e{} \"{}\">", at + 1, format!("&e{at};").repeat(10));
    let entities: String = (0..9).map(entity).collect();
    let document = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e0 \"word \">{entities}]>\
         <w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body><w:p><w:r><w:t>&e9;</w:t></w:r></w:p></w:body></w:document>"
    );
    zip("word/document.xml", document.as_bytes())
}

/// So many megabytes of spaces, packed.
fn spaces(megabytes: usize) -> Vec<u8> {
    use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output};
    let mut compressor = CompressorOxide::default();
    let mut packed = Vec::new();
    let block = vec![b' '; 1 << 20];
    for at in 1..=megabytes {
        let flush = if at == megabytes { TDEFLFlush::Finish } else { TDEFLFlush::None };
        compress_to_output(&mut compressor, &block, flush, |bytes| {
            packed.extend_from_slice(bytes);
            true
        });
    }
    packed
}

fn pdf_of(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut table = String::new();
    for (at, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", file.len()).expect("a string takes everything");
        file.extend(format!("{} 0 obj\n", at + 1).into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let (place, count) = (file.len(), objects.len() + 1);
    let end = format!(
        "xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\n\
         startxref\n{place}\n%%EOF\n"
    );
    file.extend(end.into_bytes());
    file
}

fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body>{body}</w:body></w:document>"
    );
    zip("word/document.xml", document.as_bytes())
}

/// An archive of one file, packed.
fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let packed = miniz_oxide::deflate::compress_to_vec(content, 9);
    let crc = crc32(content);
    let mut head = Vec::new();
    // Version, flags, method, time, date; then what both headers of a file have in common.
    for number in [20_u16, 0, 8, 0, 33] {
        head.extend(number.to_le_bytes());
    }
    for number in [crc, packed.len() as u32, content.len() as u32] {
        head.extend(number.to_le_bytes());
    }
    head.extend((name.len() as u16).to_le_bytes());
    head.extend(0_u16.to_le_bytes());
    let mut file = b"PK\x03\x04".to_vec();
    file.extend(&head);
    file.extend(name.as_bytes());
    file.extend(&packed);
    let directory = file.len() as u32;
    file.extend(b"PK\x01\x02");
    file.extend(20_u16.to_le_bytes());
    file.extend(&head);
    file.extend([0; 14]);
    file.extend(name.as_bytes());
    let length = file.len() as u32 - directory;
    file.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    file.extend(length.to_le_bytes());
    file.extend(directory.to_le_bytes());
    file.extend([0; 2]);
    file
}

fn crc32(content: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let mut crc = crc ^ u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
        crc
    };
    !content.iter().fold(u32::MAX, step)
}
