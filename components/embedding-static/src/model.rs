//! Texts to vectors: split into tokens, add up their vectors, bring the sum to length 1.

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{
    Model as _, NormalizedString, Normalizer as _, OffsetReferential, OffsetType,
    PreTokenizedString, PreTokenizer as _,
};

use crate::embeddings::EmbeddingModel;
use crate::table::Table;
use crate::types::Error;

/// The texts of one call.
pub const TEXTS_MAX: usize = 256;
/// The texts of one call that counts.
pub const COUNTED_TEXTS_MAX: usize = 1_024;
/// One text, in bytes.
pub const TEXT_BYTES_MAX: usize = 65_536;

/// The name that people know the model by.
const NAME: &str = "loci-static-256";
/// Counts the ways in which this file has turned tokens into vectors. Whoever changes the vectors
/// changes it, since vectors of two ways do not compare.
const METHOD: u32 = 1;

/// How much text is split into tokens at once, in bytes. What lies beyond the last token that
/// counts is mostly not split at all.
const SEGMENT_BYTES: usize = 2_048;

/// The tokenizer and the table.
pub struct Model {
    normalizer: BertNormalizer,
    words: WordPiece,
    table: Table,
}

impl Model {
    /// The model that is part of the component.
    pub fn bundled() -> Self {
        Self::with(Table::bundled()).expect("the bundled table is one: a test reads it")
    }

    /// The model of a table that is read from elsewhere, or nothing if the file is none.
    pub fn of(file: &'static [u8]) -> Option<Self> {
        Self::with(Table::parse(file)?)
    }

    fn with(table: Table) -> Option<Self> {
        let words = WordPiece::read_bytes(table.vocabulary.as_bytes())
            .and_then(|vocabulary| WordPiece::builder().vocab(vocabulary).build())
            .ok()?;
        Some(Self { normalizer: BertNormalizer::default(), words, table })
    }

    /// Tells what the model is.
    pub fn describe(&self) -> EmbeddingModel {
        describe(&self.table)
    }

    /// Tells what the model is that is part of the component, without setting it up.
    pub fn describe_bundled() -> EmbeddingModel {
        describe(&Table::bundled())
    }

    /// One vector for each text. Fails with `invalid-request` if there are more than `TEXTS_MAX` or
    /// one is longer than `TEXT_BYTES_MAX`.
    pub fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let too_long = |text: &String| text.len() > TEXT_BYTES_MAX;
        if texts.len() > TEXTS_MAX || texts.iter().any(too_long) {
            return Err(Error::InvalidRequest);
        }
        texts.iter().map(|text| self.vector(text)).collect()
    }

    /// The tokens of each text. Fails with `invalid-request` if there are more than
    /// `COUNTED_TEXTS_MAX` or one is longer than `TEXT_BYTES_MAX`.
    pub fn count(&self, texts: &[String]) -> Result<Vec<u32>, Error> {
        let too_long = |text: &String| text.len() > TEXT_BYTES_MAX;
        if texts.len() > COUNTED_TEXTS_MAX || texts.iter().any(too_long) {
            return Err(Error::InvalidRequest);
        }
        let count = |text: &String| {
            let left = self.tokens(text, usize::MAX, &mut |_| ())?;
            // A text has at most a token for each byte.
            Ok((usize::MAX - left) as u32)
        };
        texts.iter().map(count).collect()
    }

    /// The vector of one text: of length 1, or zeros if no token has a vector.
    fn vector(&self, text: &str) -> Result<Vec<f32>, Error> {
        let mut sum = vec![0.0; self.table.dimensions];
        let mut left = self.table.tokens_max;
        let mut rest = text;
        while left > 0 && !rest.is_empty() {
            let (segment, after) = rest.split_at(border(rest));
            left = self.tokens(segment, left, &mut |token| self.table.add(token, &mut sum))?;
            rest = after;
        }
        let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
        if length > 0.0 {
            sum.iter_mut().for_each(|x| *x /= length);
        }
        Ok(sum)
    }

    /// Visits at most `left` tokens of a text; returns how many more there may be.
    fn tokens(
        &self,
        segment: &str,
        left: usize,
        visit: &mut impl FnMut(u32),
    ) -> Result<usize, Error> {
        if segment.is_ascii() {
            return self.tokens_of(plain_words(&plain(segment)), left, visit);
        }
        let engine = |_| Error::EngineFailed;
        let mut normalized = NormalizedString::from(segment);
        self.normalizer.normalize(&mut normalized).map_err(engine)?;
        let mut words = PreTokenizedString::from(normalized);
        BertPreTokenizer.pre_tokenize(&mut words).map_err(engine)?;
        let words = words.get_splits(OffsetReferential::Original, OffsetType::None);
        self.tokens_of(words.into_iter().map(|(word, ..)| word), left, visit)
    }

    fn tokens_of<'a>(
        &self,
        words: impl Iterator<Item = &'a str>,
        mut left: usize,
        visit: &mut impl FnMut(u32),
    ) -> Result<usize, Error> {
        for word in words {
            for token in self.words.tokenize(word).map_err(|_| Error::EngineFailed)? {
                if left == 0 {
                    return Ok(0);
                }
                visit(token.id);
                left -= 1;
            }
        }
        Ok(left)
    }
}

fn describe(table: &Table) -> EmbeddingModel {
    let digest: String = table.digest.iter().map(|x| format!("{x:02x}")).collect();
    EmbeddingModel {
        name: NAME.to_owned(),
        digest: format!("static-{METHOD}-{digest}"),
        dimensions: table.dimensions as u32,
        tokens_max: table.tokens_max as u32,
    }
}

/// What the normalizer makes of ASCII, where it has little to do: most text is ASCII, and knowing
/// where each character came from, as the normalizer does, takes longer than all the rest.
fn plain(segment: &str) -> String {
    let kept = |c: &char| !c.is_ascii_control() || matches!(c, '\t' | '\n' | '\r');
    segment.chars().filter(kept).map(|c| c.to_ascii_lowercase()).collect()
}

/// The words of plain text: parted by white space, and each punctuation mark a word of its own.
fn plain_words(plain: &str) -> impl Iterator<Item = &str> {
    plain.split_ascii_whitespace().flat_map(|part| {
        part.split_inclusive(|c: char| c.is_ascii_punctuation()).flat_map(|word| {
            // What a mark ends: the word before it, and the mark.
            let mark = word.ends_with(|c: char| c.is_ascii_punctuation());
            let (before, mark) = word.split_at(word.len() - usize::from(mark));
            [before, mark].into_iter().filter(|word| !word.is_empty())
        })
    })
}

/// Where the first segment of a text ends: at white space, which parts words however it is cut, or
/// where the text ends.
fn border(text: &str) -> usize {
    let space = |at: usize| text.as_bytes()[at..].iter().position(u8::is_ascii_whitespace);
    match (SEGMENT_BYTES < text.len()).then(|| space(SEGMENT_BYTES)) {
        Some(Some(beyond)) => SEGMENT_BYTES + beyond,
        _ => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    fn embed(texts: &[&str]) -> Vec<Vec<f32>> {
        let texts: Vec<_> = texts.iter().map(|&text| text.to_owned()).collect();
        Model::bundled().embed(&texts).unwrap()
    }

    /// The script that made the table embedded these texts too.
    #[test]
    fn vectors_are_those_of_the_script() {
        let golden = include_str!("../../../models/embedding-static/golden.json");
        let golden: Vec<(String, Vec<f32>)> = serde_json::from_str(golden).unwrap();
        let texts: Vec<&str> = golden.iter().map(|(text, _)| text.as_str()).collect();
        for ((text, expected), vector) in golden.iter().zip(embed(&texts)) {
            let same = cosine(expected, &vector);
            let both_zero = expected.iter().chain(&vector).all(|&x| x == 0.0);
            assert!(same >= 0.999 || both_zero, "{same} for {text:?}");
        }
        assert!(golden.len() >= 20);
    }

    #[test]
    fn likeness_of_meaning_is_likeness_of_direction() {
        let vectors = embed(&[
            "Where did I put the keys of my car?",
            "You left your car keys on the kitchen table.",
            "The orchestra plays a symphony by Mahler tonight.",
        ]);
        let near = cosine(&vectors[0], &vectors[1]);
        let far = cosine(&vectors[0], &vectors[2]);
        assert!(near > far + 0.3, "{near} and {far}");
    }

    /// The words that the library makes of a text.
    fn words_of(text: &str) -> Vec<String> {
        let mut normalized = NormalizedString::from(text);
        BertNormalizer::default().normalize(&mut normalized).unwrap();
        let mut words = PreTokenizedString::from(normalized);
        BertPreTokenizer.pre_tokenize(&mut words).unwrap();
        let words = words.get_splits(OffsetReferential::Original, OffsetType::None);
        words.into_iter().map(|(word, ..)| word.to_owned()).collect()
    }

    #[test]
    fn the_short_way_for_ascii_makes_the_same_words() {
        let every: Vec<char> = (0..128_u8).map(char::from).collect();
        let mut text = String::new();
        // Every pair of characters, with a letter on both sides.
        for first in &every {
            for second in &every {
                text.extend(['A', *first, *second, 'z', ' ']);
            }
        }
        let plain = plain(&text);
        assert_eq!(plain_words(&plain).collect::<Vec<_>>(), words_of(&text));
    }

    #[test]
    fn nothing_known_is_zeros() {
        for vector in embed(&["", " \n\t", "\u{200b}"]) {
            assert!(vector.iter().all(|&x| x == 0.0));
        }
    }

    #[test]
    fn text_beyond_the_last_token_is_not_seen() {
        let most = Table::bundled().tokens_max;
        let long = "river ".repeat(most);
        let longer = format!("{long} mountain");
        let shorter = format!("{} mountain", "river ".repeat(most - 1));
        let vectors = embed(&[&long, &longer, &shorter]);
        assert_eq!(vectors[0], vectors[1]);
        assert_ne!(vectors[0], vectors[2]);
    }

    #[test]
    fn segments_part_no_word() {
        // The first border falls into a word, wherever the text begins.
        let words = "understanding ".repeat(200);
        for skip in 0..14 {
            let text = &words[skip..];
            let end = border(text);
            assert!((SEGMENT_BYTES..SEGMENT_BYTES + 14).contains(&end));
            assert!(text[end..].starts_with(' '));
        }
        let solid = "é".repeat(SEGMENT_BYTES);
        assert_eq!(border(&solid), solid.len());
    }

    #[test]
    fn pieces_that_end_behind_white_space_count_as_the_whole() {
        let model = Model::bundled();
        let text = "Understanding tokenizers, one piece at a time: naïve, isn't it? ".repeat(9);
        let pieces: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
        let whole = model.count(&[text]).unwrap()[0];
        assert_eq!(model.count(&pieces).unwrap().iter().sum::<u32>(), whole);
        assert!(whole > 100);
        assert_eq!(model.count(&[String::new()]), Ok(vec![0]));
    }

    #[test]
    fn limits_are_errors() {
        let model = Model::bundled();
        let many = vec![String::new(); TEXTS_MAX + 1];
        assert_eq!(model.embed(&many), Err(Error::InvalidRequest));
        assert!(model.embed(&many[1..]).is_ok());
        let long = ["x".repeat(TEXT_BYTES_MAX + 1)];
        assert_eq!(model.embed(&long), Err(Error::InvalidRequest));
        assert!(model.embed(&["x".repeat(TEXT_BYTES_MAX)]).is_ok());
    }

    #[test]
    fn the_digest_names_method_and_table() {
        let model = Model::describe_bundled();
        assert_eq!(model.digest.len(), "static-1-".len() + 64);
        assert_eq!((model.name.as_str(), model.dimensions), (NAME, 256));
    }
}
