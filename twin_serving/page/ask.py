"""Ask: a conversation, each answer with its sources and how it was found."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import astuple, replace
from functools import partial
from typing import Any

import gradio as gr
from anyio import to_thread

from twin_assets.errors import BadInputError, TwinError
from twin_serving.audit import Feedback, Vote
from twin_serving.page.answer import actions_html, earlier_html, failure_html, welcome_html
from twin_serving.page.asking import Shown, Talk, Turn, View, answer_views, explain
from twin_serving.page.components import FAILED, QUIET, html, or_fault
from twin_serving.page.examples import Examples
from twin_serving.page.html import fault_html, status_html
from twin_serving.page.options import (
    EVERYONE,
    follow_preset,
    option_values,
    options_drawer,
    options_of,
    preset_control,
)
from twin_serving.page.why import NO_ANSWER
from twin_serving.twin import Twin

_log = logging.getLogger(__name__)

_AUTOMATIC = ("Automatic", "")
Update = dict[Any, Any]


class AskTab:
    """The tab's components and what they do.

    ``talk`` is the conversation, ``why`` gets the picture of the way to its last answer.
    """

    def __init__(
        self, twin: Twin, page: gr.Blocks, tabs: gr.Tabs, why: gr.HTML, found: gr.State
    ) -> None:
        """Make the tab within the page's context.

        Args:
            twin: who is asked.
            page: the page.
            tabs: its tabs.
            why: the place of the picture.
            found: gets the ids of the chunks that an answer rests on.
        """
        self._twin = twin
        self._examples = Examples(twin.catalog.store)
        self._tabs = tabs
        self._why = why
        self._found = found
        self.talk = gr.State(Talk())
        self._turn = gr.State(Turn())
        self._make_form()
        self._make_result()
        self._listen(page)

    def _make_form(self) -> None:
        with gr.Row(elem_id="twin-ask"):
            self._question = gr.Textbox(
                label="Your question",
                placeholder="What would you like to know?",
                lines=1,
                max_lines=6,
                autofocus=True,
                elem_id="twin-question",
            )
            self._author = gr.Dropdown(
                [_AUTOMATIC], value="", label="Author", elem_id="twin-author"
            )
            self._preset = preset_control("Search", "balanced", elem_id="twin-preset")
            self._ask = gr.Button("Ask", variant="primary", elem_id="twin-send")
            self._stop = gr.Button("Stop", visible=False, elem_id="twin-stop")
            self._controls = options_drawer("balanced", elem_id="twin-options")
            self._status = html(View().status, elem_id="twin-status")

    def _make_result(self) -> None:
        with gr.Column(elem_id="twin-result"):
            self._answer = html(elem_id="twin-answer", acts=True)
            self._actions = html(elem_id="twin-actions", acts=True)
            with gr.Group(visible=False, elem_id="twin-feedback") as self._feedback:
                self._comment = gr.Textbox(label="What is good, wrong or missing?", max_length=4000)
                self._source = gr.Textbox(label="Link that should have been cited", max_length=2000)
                self._send = gr.Button("Send", elem_id="twin-feedback-send")
            self._sources = html(elem_id="twin-sources")
            self._earlier = html(elem_id="twin-earlier", acts=True)
            self._how = html(elem_id="twin-how")

    def _listen(self, page: gr.Blocks) -> None:
        everything = [
            *(*self._shown(), self._earlier, self._question, self._author, self._feedback),
            *(self._ask, self._stop, self.talk, self._why, self._found, self._comment),
            self._source,
        ]
        options: list[Any] = [self._author, self.talk, self._turn, *self._controls]
        once: dict[str, Any] = {"trigger_mode": "once", "outputs": everything, **QUIET}
        link = gr.State(None)  # the question of the address, and whom it is asked of
        page.load(self._on_load, outputs=[self._author, self._answer, link], **QUIET)
        others = [
            link.change(self._on_link, [link, self.talk, self._turn], everything, **QUIET),
            gr.on([self._answer.click, self._actions.click], self._on_act, options, **once),
        ]
        form = gr.on(
            [self._question.submit, self._ask.click],
            self._on_ask,
            [self._question, *options],
            cancels=others,  # else two answers would be written into one place
            **once,
        )
        asked = [form, *others]
        self._stop.click(
            self._on_stop,
            inputs=self._turn,
            outputs=[self._status, self._actions, self._ask, self._stop],
            cancels=asked,
            queue=False,
            **QUIET,
        )
        voted = [self._status, self._actions, self._feedback, self.talk, self._tabs]
        self._actions.click(self._on_vote, self.talk, voted, **QUIET)
        self._send.click(
            self._on_send,
            [self.talk, self._comment, self._source],
            [self._status, self._feedback, self.talk],
            **QUIET,
        )
        self._earlier.click(self._on_new, self._turn, everything, cancels=asked, **QUIET)
        follow_preset(self._preset, self._controls)

    def follow(self, tab: gr.Tab, added: gr.HTML) -> None:
        """Offer those who can be asked by now.

        Args:
            tab: this one; it is looked anew whenever it is chosen.
            added: has buttons that lead here, to ask of an author.
        """
        offered = [self._author, self._answer]
        tab.select(self._on_open, self.talk, offered, **QUIET)
        added.click(self._on_added, self.talk, [*offered, self._tabs], **QUIET)

    def _shown(self) -> list[Any]:
        """Return the places of a view's parts, in its order."""
        return [self._status, self._answer, self._actions, self._sources, self._how]

    def _no_feedback(self) -> Update:
        """Return what closes the form, and empties it."""
        return {self._feedback: gr.Group(visible=False), self._comment: "", self._source: ""}

    async def _answering(
        self,
        talk: Talk,
        turn: Turn,
        values: Sequence[Any],
        asker: str | None,
        *,
        typed: bool = False,
    ) -> AsyncIterator[Update]:
        """Yield what changes on the page while the conversation's last question is answered.

        One that was ``typed`` leaves its field as it comes to stand above its answer; where it came
        from elsewhere, what is being typed stays.
        """
        shown = Shown()
        view = View()
        is_my_turn = turn.take()
        try:
            options = options_of(talk.author, values)
        except BadInputError as error:
            yield {  # the answer before stays as it is
                self._status: fault_html(str(error)),
                self._ask: gr.Button(interactive=True),
                self._stop: gr.Button(visible=False),
            }
            return
        yield {
            self._earlier: earlier_html(talk.turns),
            self._author: talk.author,
            **self._no_feedback(),
            self._ask: gr.Button(interactive=False),
            self._stop: gr.Button(visible=True),
            self.talk: talk,
        }
        views: Any = answer_views(self._twin, talk, options, shown, asker)
        async with aclosing(views):
            async for view in views:
                if not is_my_turn():
                    return
                talk = replace(talk, answer=shown.text)  # kept if it is stopped now
                update: Update = dict(zip(self._shown(), astuple(view), strict=True))
                update[self.talk] = talk
                is_found = shown.retrieval is not None and not shown.pieces
                if typed and is_found and shown.answer is None:
                    update[self._question] = ""
                yield update
        picture = NO_ANSWER
        if (answer := shown.answer) is not None:
            talk = talk.answered(answer)
            picture = await to_thread.run_sync(or_fault, partial(explain, self._twin, answer))
        if not is_my_turn():
            return
        yield {
            **dict(zip(self._shown(), astuple(view), strict=True)),
            self._ask: gr.Button(interactive=True),
            self._stop: gr.Button(visible=False),
            self.talk: talk,
            self._why: picture,
            self._found: talk.lit,
        }

    async def _on_ask(
        self, request: gr.Request, text: str, picked: str, talk: Talk, turn: Turn, *values: Any
    ) -> AsyncIterator[Update]:
        talk = talk.with_question(text, picked or "")
        async for update in self._answering(talk, turn, values, request.username, typed=True):
            yield update

    async def _on_act(
        self,
        event: gr.EventData,
        request: gr.Request,
        picked: str,
        talk: Talk,
        turn: Turn,
        *values: Any,
    ) -> AsyncIterator[Update]:
        match event.act:
            case "example":
                talk = talk.with_question(str(event.question), picked or "")
            case "author":
                talk = talk.again(str(event.author))
                # who is named may be served only since the page was opened
                choices, _ = await to_thread.run_sync(opening, self._twin, self._examples)
                yield {self._author: gr.Dropdown(choices, value=talk.author)}
            case "retry":
                talk = talk.again(picked or "")
            case _:
                yield {self._status: gr.skip()}
                return
        async for update in self._answering(talk, turn, values, request.username):
            yield update

    def _on_load(self, request: gr.Request) -> tuple[Any, ...]:
        choices, welcome = opening(self._twin, self._examples)
        linked = str(request.query_params.get("author", ""))
        picked = linked if linked in {slug for _, slug in choices} else ""
        text = str(request.query_params.get("q", ""))
        link = (text, picked) if text else None
        return gr.Dropdown(choices, value=picked), welcome, link

    def _on_open(self, talk: Talk) -> Update:
        return self._offered(talk)

    def _on_added(self, event: gr.EventData, talk: Talk) -> Update:
        offered = self._offered(talk, value=event.author)
        return {**offered, self._tabs: gr.Tabs(selected="ask")}

    def _offered(self, talk: Talk, **picked: Any) -> Update:
        choices, welcome = opening(self._twin, self._examples)
        update: Update = {self._author: gr.Dropdown(choices, **picked)}
        return update if talk.asked else {**update, self._answer: welcome}

    async def _on_link(
        self, request: gr.Request, link: tuple[str, str], talk: Talk, turn: Turn
    ) -> AsyncIterator[Update]:
        if talk.asked:  # whoever asks meanwhile goes first
            yield {self._status: gr.skip()}
            return
        text, picked = link
        talk = Talk(asked=text, author=picked)
        values = option_values("balanced")
        async for update in self._answering(talk, turn, values, request.username):
            yield update

    def _on_stop(self, turn: Turn) -> Update:
        turn.take()
        return {
            self._status: status_html("Stopped."),
            self._actions: actions_html(votes=False, whole=False),
            self._ask: gr.Button(interactive=True),
            self._stop: gr.Button(visible=False),
        }

    def _on_vote(self, event: gr.EventData, talk: Talk) -> Update:
        if event.act == "why":
            return {self._tabs: gr.Tabs(selected="why")}
        if event.act != "vote":
            return {self._status: gr.skip()}
        vote: Vote = "up" if event.vote == "up" else "down"
        talk = replace(talk, feedback=replace(talk.feedback, vote=vote))  # a reason stays
        return {
            self._status: status_html(_keep(self._twin, talk)),
            self._actions: actions_html(votes=True, vote=vote),
            self._feedback: gr.Group(visible=True),
            self.talk: talk,
        }

    def _on_send(self, talk: Talk, comment: str, source: str) -> Update:
        given = Feedback(talk.feedback.vote, comment.strip() or None, source.strip() or None)
        talk = replace(talk, feedback=given)
        return {
            self._status: status_html(_keep(self._twin, talk)),
            self._feedback: gr.Group(visible=False),
            self.talk: talk,
        }

    def _on_new(self, turn: Turn) -> Update:
        turn.take()
        _, welcome = opening(self._twin, self._examples)
        empty = [self._actions, self._sources, self._how, self._earlier, self._question]
        return {
            **dict.fromkeys(empty, ""),
            self._answer: welcome,
            self._status: status_html(""),
            self._ask: gr.Button(interactive=True),
            self._stop: gr.Button(visible=False),
            self._author: "",
            **self._no_feedback(),
            self.talk: Talk(),
            self._why: NO_ANSWER,
            self._found: (),
        }


def opening(twin: Twin, examples: Examples) -> tuple[list[tuple[str, str]], str]:
    """Return the author picker's choices (label, slug) and what to show before a question."""
    try:
        partitions = twin.catalog.served().partitions
        tried = examples.of(partitions)
    except TwinError as error:
        return [_AUTOMATIC], failure_html(str(error))
    except Exception:
        _log.exception("The served authors could not be read")
        return [_AUTOMATIC], failure_html(FAILED)
    choices = [_AUTOMATIC, ("Everyone", EVERYONE)]
    for partition in partitions:
        sample = ", sample" if partition.author.sample else ""
        label = f"{partition.author.name} ({partition.documents:,}{sample})"
        choices.append((label, partition.author.slug))
    return choices, welcome_html(partitions, tried)


def _keep(twin: Twin, talk: Talk) -> str:
    """Keep what the asker makes of the last answer; return what to say of that."""
    if twin.audit is None or not talk.answer_id:
        return "There is no answer to give feedback on."
    try:
        twin.audit.give_feedback(talk.answer_id, talk.feedback)
    except TwinError as error:
        return str(error)
    return "Thank you. It is kept in the audit trail."
