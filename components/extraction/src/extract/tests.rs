//! Files of every kind, written here, and what hostile ones come to.

use super::*;
use crate::extraction::GapReason;
use crate::types::BlockKind;

/// The blocks of a file: kind, level, page and text.
fn blocks(found: &Extracted) -> Vec<(BlockKind, u8, u32, &str)> {
    let text = |block: &crate::types::Block| {
        let text = &found.text[block.span.start as usize..block.span.end as usize];
        (block.kind, block.level, block.page, text)
    };
    found.blocks.iter().map(text).collect()
}

fn format(file: &[u8]) -> Format {
    extract(file).unwrap().format
}

#[test]
fn formats_are_told_by_content() {
    assert_eq!(format(b"Dear Ada,\n\nit rained all day.\n"), Format::Plain);
    assert_eq!(format(b"# Boats\n\nThey float.\n"), Format::Markdown);
    assert_eq!(format(b"<!DOCTYPE html><title>x</title><p>Hello"), Format::Html);
    assert_eq!(format(b"name,age\nAda,36\nIda,7\n"), Format::Csv);
    assert_eq!(format(b"{\"a\": [1, 2]}"), Format::Json);
    assert_eq!(format(b"fn main() {\n    let x = 1;\n    run(x);\n}\n"), Format::Code);
    assert_eq!(extract(b""), Err(Error::Empty));
    assert_eq!(extract(b" \r\n\t "), Err(Error::Empty));
    assert_eq!(extract(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0"), Err(Error::UnknownFormat));
}

#[test]
fn html_is_what_a_reader_sees() {
    let page = "<html><head><title>Boats &amp; more</title><style>p{}</style></head><body>\
        <nav>skip me</nav><h1>Boats</h1><p>They <b>float</b>,<br>mostly.</p><ul><li>small\
        <li>large</ul><pre>a\n  b</pre><table><tr><th>name<th>age</tr><tr><td>Ada<td>36</tr>\
        </table><script>alert(1)</script></body></html>";
    let found = extract(page.as_bytes()).unwrap();
    assert_eq!((found.title.as_str(), found.format), ("Boats & more", Format::Html));
    assert_eq!(
        blocks(&found),
        [
            (BlockKind::Heading, 1, 0, "Boats"),
            (BlockKind::Paragraph, 0, 0, "They float,\nmostly."),
            (BlockKind::Item, 0, 0, "small"),
            (BlockKind::Item, 0, 0, "large"),
            (BlockKind::Code, 0, 0, "a\n  b"),
            (BlockKind::Row, 0, 0, "name: Ada | age: 36"),
        ]
    );
}

/// A zip archive of stored files, as small as can be.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut output = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut output);
    for (name, content) in files {
        let (mut entry, config) = archive
            .new_file(name)
            .compression_method(rawzip::CompressionMethod::DEFLATE)
            .start()
            .unwrap();
        let packed = miniz_oxide::deflate::compress_to_vec(content, 6);
        std::io::Write::write_all(&mut entry, &packed).unwrap();
        let mut whole = config.wrap(std::io::sink());
        std::io::Write::write_all(&mut whole, content).unwrap();
        let (_, descriptor) = whole.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    output
}

const STYLES: &str = r#"<w:styles xmlns:w="w"><w:style w:styleId="berschrift1">
    <w:name w:val="heading 1"/></w:style></w:styles>"#;

#[test]
fn docx_has_headings_items_and_tables() {
    let document = r#"<?xml version="1.0"?><w:document xmlns:w="w"><w:body>
        <w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Boats</w:t></w:r></w:p>
        <w:p><w:r><w:t xml:space="preserve">They </w:t></w:r>
        <w:r><w:t>float &amp; sink.</w:t></w:r></w:p>
        <w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>small</w:t></w:r></w:p>
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>name</w:t></w:r></w:p></w:tc>
        <w:tc><w:p><w:r><w:t>age</w:t></w:r></w:p></w:tc></w:tr>
        <w:tr><w:tc><w:p><w:r><w:t>Ada</w:t></w:r></w:p></w:tc>
        <w:tc><w:p><w:r><w:t>36</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
        </w:body></w:document>"#;
    let file = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/styles.xml", STYLES.as_bytes()),
        ("word/document.xml", document.as_bytes()),
    ]);
    let found = extract(&file).unwrap();
    assert_eq!((found.title.as_str(), found.format), ("Boats", Format::Docx));
    assert_eq!(
        blocks(&found),
        [
            (BlockKind::Heading, 1, 0, "Boats"),
            (BlockKind::Paragraph, 0, 0, "They float & sink."),
            (BlockKind::Item, 0, 0, "small"),
            (BlockKind::Row, 0, 0, "name: Ada | age: 36"),
        ]
    );
}

#[test]
fn an_archive_that_is_no_document_or_a_bomb_is_refused() {
    assert_eq!(extract(&zip(&[("a.txt", b"hello")])), Err(Error::UnknownFormat));
    assert_eq!(extract(b"PK\x03\x04 and then nothing"), Err(Error::Damaged(Format::Docx)));
    let bomb = vec![b' '; 64 << 20];
    assert_eq!(extract(&zip(&[("word/document.xml", &bomb)])), Err(Error::TooMuchText));
    let broken = zip(&[("word/document.xml", b"<w:document><w:p><w:t")]);
    assert_eq!(extract(&broken), Err(Error::Damaged(Format::Docx)));
}

/// A PDF of one font, with a content stream for each page.
fn pdf(pages: &[&str]) -> Vec<u8> {
    let mut objects: Vec<String> = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Count {} /Kids [{}] >>",
            pages.len(),
            (0..pages.len()).map(|at| format!("{} 0 R ", 4 + 2 * at)).collect::<String>()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    for (at, content) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] \
             /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            5 + 2 * at
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", at + 1));
    }
    let table = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    places.iter().for_each(|place| file.push_str(&format!("{place:010} 00000 n \n")));
    file.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    ));
    file.into_bytes()
}

const FIRST_PAGE: &str = "BT /F1 24 Tf 72 700 Td (Boats) Tj ET \
    BT /F1 11 Tf 72 660 Td (They float on the wa-) Tj 0 -13 Td (ter, and that is all.) Tj \
    0 -40 Td [(An)-300(other)-300(paragraph)] TJ ET";

#[test]
fn pdf_has_lines_paragraphs_headings_and_pages() {
    let file = pdf(&[FIRST_PAGE, "", "BT /F1 11 Tf 72 700 Td (The third page.) Tj ET"]);
    let found = extract(&file).unwrap();
    assert_eq!((found.format, found.pages, found.title.as_str()), (Format::Pdf, 3, "Boats"));
    assert_eq!(
        blocks(&found),
        [
            (BlockKind::Heading, 1, 1, "Boats"),
            (BlockKind::Paragraph, 0, 1, "They float on the water, and that is all."),
            (BlockKind::Paragraph, 0, 1, "An other paragraph"),
            (BlockKind::Paragraph, 0, 3, "The third page."),
        ]
    );
    assert_eq!(found.gaps.len(), 1);
    assert_eq!((found.gaps[0].page, found.gaps[0].reason), (2, GapReason::NoText));
}

#[test]
fn a_pdf_that_is_broken_or_has_no_text_is_told_so() {
    assert_eq!(extract(&pdf(&["", ""])), Err(Error::NoText));
    assert_eq!(
        extract(b"%PDF-1.7\nand then nothing of the kind"),
        Err(Error::Damaged(Format::Pdf))
    );
    let whole = pdf(&[FIRST_PAGE]);
    for end in [20, 100, 300, whole.len() / 2] {
        // Cut off anywhere, it is refused or read in part, but never takes the reader down.
        let _ = extract(&whole[..end]);
    }
}

#[test]
fn what_nests_without_end_is_read_or_refused() {
    let json = "[".repeat(1 << 20);
    assert!(extract(json.as_bytes()).is_ok(), "it is read as it stands");
    let quotes = format!("# T\n\n{}x\n", ">".repeat(10_000));
    assert_eq!(format(quotes.as_bytes()), Format::Markdown);
    let html = format!("<!doctype html>{}deep", "<div>".repeat(5_000));
    assert_eq!(extract(html.as_bytes()).unwrap().text, "deep");
}

#[test]
fn one_line_without_end_is_read_up_to_the_limit() {
    let line = "word ".repeat(1 << 20);
    assert_eq!(extract(line.as_bytes()).unwrap().blocks.len(), 1);
    let line = "word ".repeat(2 << 20);
    assert_eq!(extract(line.as_bytes()), Err(Error::TooMuchText));
}
