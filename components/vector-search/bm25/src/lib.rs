//! How well a text answers a few words: BM25. The index scores what it holds by it, and the api
//! what it reads from the database, so it stands here, once.

/// How soon a term that occurs again counts for less.
const SATURATION: f64 = 1.2;
/// How much a long text is held against its terms: 0 not at all, 1 in full.
const LENGTH_WEIGHT: f64 = 0.75;

/// A term of a query in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posting {
    /// The text.
    pub message: u64,
    /// How often the term occurs in it.
    pub frequency: u32,
    /// The length of the text in terms.
    pub length: u32,
    /// In how many texts of the collection the term occurs.
    pub in_messages: u32,
}

/// What a collection is like as a whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// The texts whose words are indexed.
    pub messages: u32,
    /// Their terms, repetitions included.
    pub terms: u64,
}

impl Statistics {
    /// What an occurrence of a term counts for.
    pub fn weight(self, posting: &Posting) -> f64 {
        let messages = f64::from(self.messages.max(1));
        let average = (self.terms as f64 / messages).max(1.0);
        let within = f64::from(posting.in_messages);
        // Above 0 even for a term that is everywhere.
        let rarity = ((messages - within + 0.5).max(0.5) / (within + 0.5)).ln_1p();
        let frequency = f64::from(posting.frequency);
        let length = f64::from(posting.length) / average;
        let damped = frequency + SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * length);
        rarity * frequency * (SATURATION + 1.0) / damped
    }
}

/// How well each text answers the terms of a query, from the postings of these terms. Texts and
/// their scores, in the order of the texts.
pub fn bm25(mut postings: Vec<Posting>, collection: Statistics) -> Vec<(u64, f32)> {
    // The postings of each term are in order, and a stable sort only merges what is.
    postings.sort_by_key(|posting| posting.message);
    let of_message = postings.chunk_by(|one, two| one.message == two.message);
    let score = |all: &[Posting]| all.iter().map(|one| collection.weight(one)).sum::<f64>();
    of_message.map(|all| (all[0].message, score(all) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posting(message: u64, frequency: u32, length: u32, in_messages: u32) -> Posting {
        Posting { message, frequency, length, in_messages }
    }

    const SESSION: Statistics = Statistics { messages: 100, terms: 1_000 };

    #[test]
    fn a_rare_term_counts_more_than_a_common_one() {
        let scores = bm25(vec![posting(1, 1, 10, 2), posting(2, 1, 10, 90)], SESSION);
        assert!(scores[0].1 > 5.0 * scores[1].1, "{scores:?}");
        assert!(scores[1].1 > 0.0);
    }

    #[test]
    fn more_terms_and_shorter_texts_count_more() {
        let both = [posting(1, 1, 10, 5), posting(2, 1, 10, 5), posting(1, 1, 10, 5)];
        let scores = bm25(both.to_vec(), SESSION);
        assert_eq!(scores.iter().map(|(message, _)| *message).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(scores[0].1, 2.0 * scores[1].1);
        let scores = bm25(vec![posting(1, 1, 5, 5), posting(2, 1, 50, 5)], SESSION);
        assert!(scores[0].1 > scores[1].1);
    }

    #[test]
    fn the_score_is_the_formula_s() {
        // ln(1 + (100 - 5 + 0.5) / (5 + 0.5)) * 2 * 2.2 / (2 + 1.2)
        let score = bm25(vec![posting(1, 2, 10, 5)], SESSION)[0].1;
        assert!((score - 4.001_7).abs() < 0.001, "{score}");
    }
}
