//! One page: an interpreter of the few operators that move and show text.

use std::collections::BTreeMap;

use lopdf::content::Content;
use lopdf::{Dictionary, Document, Error, Object, ObjectId};

use super::fonts::{Font, number};

/// How deep forms may stand in forms.
const FORMS_MAX: usize = 8;
/// Saved states of one page.
const STATES_MAX: usize = 256;
/// Pieces of text of one page.
const GLYPHS_MAX: usize = 1 << 18;

/// A piece of text at its place, in units of the page.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The text.
    pub text: String,
    /// Where it begins, and where it ends.
    pub x: f32,
    /// See `x`.
    pub x_end: f32,
    /// The line that it stands on: more is higher.
    pub y: f32,
    /// The size of its font.
    pub size: f32,
}

/// `[a b c d e f]`, as PDF writes matrices.
type Matrix = [f32; 6];

const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// The product of two matrices: the first is applied first.
fn times(one: Matrix, two: Matrix) -> Matrix {
    [
        one[0] * two[0] + one[1] * two[2],
        one[0] * two[1] + one[1] * two[3],
        one[2] * two[0] + one[3] * two[2],
        one[2] * two[1] + one[3] * two[3],
        one[4] * two[0] + one[5] * two[2] + two[4],
        one[4] * two[1] + one[5] * two[3] + two[5],
    ]
}

/// What `q` saves.
#[derive(Clone)]
struct State {
    matrix: Matrix,
    font: Option<Vec<u8>>,
    size: f32,
    leading: f32,
    letter_space: f32,
    word_space: f32,
    scale: f32,
}

struct Interpreter<'a> {
    document: &'a Document,
    state: State,
    saved: Vec<State>,
    text: Matrix,
    line: Matrix,
    shown: Vec<Shown>,
}

/// Reads the text of a page.
///
/// Fails if the page's content is damaged beyond reading.
pub fn read(document: &Document, page: ObjectId) -> Result<Vec<Shown>, Error> {
    let fonts = document.get_page_fonts(page)?;
    let fonts = read_fonts(document, fonts);
    let content = document.get_page_content(page)?;
    let mut forms = BTreeMap::new();
    if let Ok((direct, ids)) = document.get_page_resources(page) {
        let found = ids.iter().filter_map(|id| document.get_dictionary(*id).ok());
        for resources in direct.into_iter().chain(found) {
            collect_forms(document, resources, &mut forms);
        }
    }
    let state = State {
        matrix: IDENTITY,
        font: None,
        size: 1.0,
        leading: 0.0,
        letter_space: 0.0,
        word_space: 0.0,
        scale: 1.0,
    };
    let (saved, text, line, shown) = (Vec::new(), IDENTITY, IDENTITY, Vec::new());
    let mut interpreter = Interpreter { document, state, saved, text, line, shown };
    interpreter.run(&content, &fonts, &forms, 0)?;
    Ok(interpreter.shown)
}

type Fonts<'a> = BTreeMap<Vec<u8>, Font<'a>>;
type Forms<'a> = BTreeMap<Vec<u8>, &'a lopdf::Stream>;

fn read_fonts<'a>(document: &'a Document, fonts: BTreeMap<Vec<u8>, &'a Dictionary>) -> Fonts<'a> {
    let font = |(name, font)| Some((name, Font::read(document, font)?));
    fonts.into_iter().filter_map(font).collect()
}

fn collect_forms<'a>(document: &'a Document, resources: &'a Dictionary, forms: &mut Forms<'a>) {
    let Ok(Ok(list)) = resources.get_deref(b"XObject", document).map(Object::as_dict) else {
        return;
    };
    for (name, object) in list.iter() {
        let Ok((_, Object::Stream(stream))) = document.dereference(object) else { continue };
        if stream.dict.get(b"Subtype").and_then(Object::as_name).ok() == Some(b"Form") {
            forms.entry(name.clone()).or_insert(stream);
        }
    }
}

impl<'a> Interpreter<'a> {
    fn run(
        &mut self,
        content: &[u8],
        fonts: &Fonts<'_>,
        forms: &Forms<'a>,
        depth: usize,
    ) -> Result<(), Error> {
        for operation in Content::decode(content)?.operations {
            if self.shown.len() > GLYPHS_MAX {
                return Ok(());
            }
            let values = &operation.operands;
            match operation.operator.as_str() {
                "Do" => {
                    let name = values.first().and_then(|name| name.as_name().ok());
                    if let Some(form) = name.and_then(|name| forms.get(name))
                        && depth < FORMS_MAX
                    {
                        // A form that cannot be read is left out.
                        let _ = self.form(form, fonts, depth);
                    }
                }
                "Tj" => self.show(values.first(), fonts),
                "'" => {
                    self.next_line();
                    self.show(values.first(), fonts);
                }
                "\"" => {
                    self.next_line();
                    self.show(values.get(2), fonts);
                }
                "TJ" => self.show_spaced(values.first(), fonts),
                operator => self.arrange(operator, values),
            }
        }
        Ok(())
    }

    /// The operators that show nothing.
    fn arrange(&mut self, operator: &str, values: &[Object]) {
        let value =
            |at: usize| values.get(at).and_then(|it| number(self.document, it)).unwrap_or(0.0);
        let matrix = || [value(0), value(1), value(2), value(3), value(4), value(5)];
        match operator {
            "q" if self.saved.len() < STATES_MAX => self.saved.push(self.state.clone()),
            "Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            "cm" => self.state.matrix = times(matrix(), self.state.matrix),
            "BT" => (self.text, self.line) = (IDENTITY, IDENTITY),
            "Tf" => {
                let size = value(1);
                self.state.font =
                    values.first().and_then(|it| it.as_name().ok()).map(<[u8]>::to_vec);
                self.state.size = size;
            }
            "TL" => self.state.leading = value(0),
            "Tc" => self.state.letter_space = value(0),
            "Tw" => self.state.word_space = value(0),
            "Tz" => self.state.scale = value(0) / 100.0,
            "Tm" => (self.text, self.line) = (matrix(), matrix()),
            "Td" => self.advance_line(value(0), value(1)),
            "TD" => {
                let (x, y) = (value(0), value(1));
                self.state.leading = -y;
                self.advance_line(x, y);
            }
            "T*" => self.next_line(),
            _ => {}
        }
    }

    fn form(
        &mut self,
        form: &'a lopdf::Stream,
        fonts: &Fonts<'_>,
        depth: usize,
    ) -> Result<(), Error> {
        let content = form.get_plain_content()?;
        let mut inner_forms = BTreeMap::new();
        let mut inner_fonts = None;
        if let Ok(Ok(resources)) =
            form.dict.get_deref(b"Resources", self.document).map(Object::as_dict)
        {
            collect_forms(self.document, resources, &mut inner_forms);
            inner_fonts = form_fonts(self.document, resources);
        }
        let saved = self.state.clone();
        if let Ok(matrix) = form.dict.get(b"Matrix").and_then(Object::as_array) {
            let mut values = matrix.iter().map(|it| number(self.document, it).unwrap_or(0.0));
            let matrix = std::array::from_fn(|_| values.next().unwrap_or(0.0));
            self.state.matrix = times(matrix, self.state.matrix);
        }
        let fonts = inner_fonts.as_ref().unwrap_or(fonts);
        let read = self.run(&content, fonts, &inner_forms, depth + 1);
        self.state = saved;
        read
    }

    fn advance_line(&mut self, x: f32, y: f32) {
        self.line = times([1.0, 0.0, 0.0, 1.0, x, y], self.line);
        self.text = self.line;
    }

    fn next_line(&mut self) {
        self.advance_line(0.0, -self.state.leading);
    }

    fn show_spaced(&mut self, list: Option<&Object>, fonts: &Fonts<'_>) {
        for item in list.and_then(|list| list.as_array().ok()).into_iter().flatten() {
            match number(self.document, item) {
                Some(shift) => {
                    self.advance(-shift / 1_000.0 * self.state.size * self.state.scale);
                }
                None => self.show(Some(item), fonts),
            }
        }
    }

    fn advance(&mut self, x: f32) {
        self.text = times([1.0, 0.0, 0.0, 1.0, x, 0.0], self.text);
    }

    fn show(&mut self, bytes: Option<&Object>, fonts: &Fonts<'_>) {
        let Some(bytes) = bytes.and_then(|bytes| bytes.as_str().ok()) else { return };
        let Some(font) = self.state.font.as_ref().and_then(|name| fonts.get(name)) else { return };
        let (text, width) = font.text(bytes);
        let state = &self.state;
        let spaces = text.matches(' ').count() as f32 * state.word_space;
        let letters = font.codes(bytes) as f32 * state.letter_space;
        let width = (width / 1_000.0 * state.size + letters + spaces) * state.scale;
        let before = times(self.text, state.matrix);
        let size = state.size.abs() * before[2].hypot(before[3]);
        self.advance(width);
        let after = times(self.text, self.state.matrix);
        if !text.is_empty() && [before[4], before[5], after[4], size].iter().all(|n| n.is_finite())
        {
            let (x, x_end, y) = (before[4], after[4], before[5]);
            self.shown.push(Shown { text, x, x_end, y, size });
        }
    }
}

/// The fonts that a form names itself; none if it names none.
fn form_fonts<'a>(document: &'a Document, resources: &'a Dictionary) -> Option<Fonts<'a>> {
    let list = resources.get_deref(b"Font", document).ok()?.as_dict().ok()?;
    let font = |(name, object): (&Vec<u8>, &'a Object)| {
        let font = document.dereference(object).ok()?.1.as_dict().ok()?;
        Some((name.clone(), Font::read(document, font)?))
    };
    Some(list.iter().filter_map(font).collect())
}
