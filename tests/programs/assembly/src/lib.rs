//! The default layout, with a fault.

#[path = "../../../../components/prompt-assembly/src/assemble.rs"]
mod assemble;

use assembly::{Description, Error, Excerpt, Layout, Message, Part, Plan, Request};
pub use bindings::exports::loci::policy::{assembly, types};
use types::{Kind, Role, Span};

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/policy",
        world: "prompt-assembly",
        additional_derives: [PartialEq],
    });
}

struct Policy;

impl assembly::Guest for Policy {
    fn describe() -> Description {
        let mut description = assemble::describe();
        if fault::is("bad-name") {
            description.name = "A Policy".to_owned();
        }
        description
    }

    fn assemble(request: Request) -> Result<Plan, Error> {
        let query = request.passages.iter().rfind(|passage| passage.kind == Kind::Query);
        let query = query.map_or("", |query| query.text.as_str());
        let is = |name: &str| fault::is_now(name, query);
        fault::commit_now(query);
        let mut plan = assemble::assemble(&request)?;
        let Layout::Chat(messages) = &mut plan.layout else { return Ok(plan) };
        if is("giant-answer") {
            let part = Part::SaidOn(request.passages[0].id);
            messages.push(Message { role: Role::User, parts: vec![part; 200_000] });
        }
        let recalled = request.passages.iter().find(|passage| {
            matches!(passage.kind, Kind::Document | Kind::Memory) && !passage.kept.is_empty()
        });
        if let Some(passage) = recalled {
            let excerpt =
                |id, start, end| Part::Excerpt(Excerpt { passage: id, span: Span { start, end } });
            let kept = passage.kept[0];
            let wrong = if is("wrong-span") {
                Some((Role::User, excerpt(passage.id, kept.start, kept.end + 1)))
            } else if is("foreign-id") {
                Some((
                    Role::User,
                    excerpt(passage.id.wrapping_add(1_000_000), kept.start, kept.end),
                ))
            } else if is("rises-to-system") {
                Some((Role::System, excerpt(passage.id, kept.start, kept.end)))
            } else {
                None
            };
            messages.extend(wrong.map(|(role, part)| Message { role, parts: vec![part] }));
        }
        if is("forgets-the-query") {
            messages.pop();
        }
        if is("turns-history-around") {
            messages[1..].reverse();
        }
        Ok(plan)
    }
}

bindings::export!(Policy with_types_in bindings);
