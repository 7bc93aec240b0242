//! A switch between models that do as they are told.

use std::sync::Mutex;

use futures::future::ready;
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::model::Outcome;

/// A model that is as ready as it is told to be, and counts every text as so many tokens.
struct Scripted {
    state: Mutex<State>,
    tokens: u32,
    asked: Mutex<Vec<Options>>,
}

impl Scripted {
    fn new(state: State, tokens: u32) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(state), tokens, asked: Mutex::default() })
    }

    fn become_(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }
}

impl ChatBackend for Scripted {
    fn status(&self) -> ChatModel {
        let digest = self.tokens.to_string();
        ChatModel { digest, ..ChatModel::unready(self.state.lock().unwrap().clone()) }
    }

    fn count(&self, texts: Vec<String>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        ready(Ok(vec![self.tokens; texts.len()])).boxed()
    }

    fn clip(&self, _: String, end: u32, _: Side) -> BoxFuture<'_, Result<Span, ModelError>> {
        ready(Ok(Span { start: 0, end })).boxed()
    }

    fn frame(&self, _: Vec<Role>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        ready(Ok(vec![self.tokens])).boxed()
    }

    fn generate(
        &self,
        _: Prompt,
        options: Options,
    ) -> BoxFuture<'_, Result<Generation, ModelError>> {
        self.asked.lock().unwrap().push(options);
        let (_, pieces) = mpsc::unbounded_channel();
        let (_, outcome) = oneshot::channel::<Result<Outcome, ModelError>>();
        ready(Ok(Generation { pieces, outcome })).boxed()
    }

    fn forget(&self, _: String) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

fn switch(backend: &Arc<Scripted>) -> Arc<Switch> {
    let backend = Arc::clone(backend) as Arc<dyn ChatBackend>;
    Arc::new(Switch::new("old".to_owned(), backend, GenerationConfig::default()))
}

fn load(switch: &Arc<Switch>, name: &str, backend: &Arc<Scripted>) -> Loading {
    let backend = Arc::clone(backend) as Arc<dyn ChatBackend>;
    switch.load(name, || backend, || Ok(())).expect("it can be noted")
}

async fn tokens(switch: &Switch) -> u32 {
    switch.count(vec!["a".to_owned()]).await.unwrap()[0]
}

/// Waits until nothing is being loaded any more, and returns what became of the last one.
async fn settled(switch: &Switch) -> Option<(String, State)> {
    loop {
        match switch.status().next {
            Some((_, State::Loading(_) | State::Ready)) => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            settled => return settled,
        }
    }
}

#[tokio::test]
async fn the_old_model_answers_until_the_new_one_can() {
    let (old, new) = (Scripted::new(State::Ready, 1), Scripted::new(State::Loading(0), 2));
    let switch = switch(&old);
    assert_eq!(load(&switch, "new", &new), Loading::Begun);
    new.become_(State::Loading(40));
    let status = switch.status();
    assert_eq!(status.state, State::Ready);
    assert_eq!(status.next, Some(("new".to_owned(), State::Loading(40))));
    assert_eq!((tokens(&switch).await, switch.name().as_str()), (1, "old"));
    new.become_(State::Ready);
    assert_eq!(settled(&switch).await, None);
    assert_eq!((tokens(&switch).await, switch.name().as_str()), (2, "new"));
    // Once nobody asks it any more, the old one is gone.
    assert_eq!(Arc::strong_count(&old), 1);
    assert_eq!(load(&switch, "new", &old), Loading::Active);
    assert_eq!(tokens(&switch).await, 2);
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_changes_nothing_and_says_why() {
    let (old, new) = (Scripted::new(State::Ready, 1), Scripted::new(State::Loading(0), 2));
    let switch = switch(&old);
    load(&switch, "new", &new);
    new.become_(State::Failed("it is cut off".to_owned()));
    let failed = Some(("new".to_owned(), State::Failed("it is cut off".to_owned())));
    assert_eq!(settled(&switch).await, failed);
    assert_eq!((tokens(&switch).await, switch.status().state), (1, State::Ready));

    let unkept = Scripted::new(State::Ready, 3);
    let full = || Err("the disk is full".to_owned());
    assert_eq!(switch.load("unkept", || unkept, full), Ok(Loading::Begun));
    let failed = Some(("unkept".to_owned(), State::Failed("the disk is full".to_owned())));
    assert_eq!(settled(&switch).await, failed);
    assert_eq!(tokens(&switch).await, 1);
}

#[tokio::test]
async fn a_choice_is_noted_where_the_model_answers_already() {
    let old = Scripted::new(State::Ready, 1);
    let switch = switch(&old);
    let noted = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let note = Arc::clone(&noted);
    let keep = move || {
        note.store(true, std::sync::atomic::Ordering::SeqCst);
        Ok(())
    };
    let begin = || -> Arc<dyn ChatBackend> { panic!("there is nothing to load") };
    assert_eq!(switch.load("old", begin, keep), Ok(Loading::Active));
    assert!(noted.load(std::sync::atomic::Ordering::SeqCst));
    let full = || Err("the disk is full".to_owned());
    assert_eq!(switch.load("old", begin, full), Err("the disk is full".to_owned()));
}

#[tokio::test]
async fn the_newest_choice_wins() {
    let old = Scripted::new(State::Ready, 1);
    let (slow, quick) = (Scripted::new(State::Loading(0), 2), Scripted::new(State::Ready, 3));
    let switch = switch(&old);
    load(&switch, "slow", &slow);
    load(&switch, "quick", &quick);
    assert_eq!(settled(&switch).await, None);
    slow.become_(State::Ready);
    while Arc::strong_count(&slow) > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(tokens(&switch).await, 3);
}

#[tokio::test]
async fn who_has_no_model_waits_for_the_first() {
    let (none, new) = (Scripted::new(State::None, 0), Scripted::new(State::Loading(7), 2));
    let switch = switch(&none);
    load(&switch, "new", &new);
    assert_eq!(switch.status().state, State::Loading(7));
    new.become_(State::Ready);
    settled(&switch).await;
    assert_eq!(switch.status().state, State::Ready);
}

#[tokio::test]
async fn what_is_set_holds_for_the_next_answer() {
    let model = Scripted::new(State::Ready, 1);
    let switch = switch(&model);
    let set = serde_json::json!({ "temperature": 0.25, "max_tokens": 9 });
    let set = switch.generation().changed(set.as_object().unwrap()).unwrap();
    switch.set_generation(set);
    assert_eq!(switch.status().reply_tokens, 9);
    let mut own = Options::new(5);
    own.temperature = Some(1.5);
    for options in [Options::new(5), own] {
        switch.generate(Prompt::Text(vec!["a".to_owned()]), options).await.unwrap();
    }
    let asked = model.asked.lock().unwrap();
    let temperatures: Vec<_> = asked.iter().map(|options| options.temperature).collect();
    assert_eq!(temperatures, [Some(0.25), Some(1.5)]);
}
