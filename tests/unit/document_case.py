"""Rows of evaluation files and what is wrong with them, for tests of every place that looks."""

import evaluation_world as world

CHOICE = {"question": "which ?", "choices": ["a word", "another"], "answer": 1}
OWN = {"prompt": "say it", "response": "it", "references": ["it"]}
ROLLING = """
task: t
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: word_perplexity}]
"""
GENERATE = """
task: t
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{prompt}}"
doc_to_target: "{{response}}"
metric_list: [{metric: exact_match}]
"""
LIKELIHOOD = GENERATE.replace("generate_until", "loglikelihood").replace("exact_match", "acc")


def yaml_of(template, name="test.jsonl"):
    if "{name}" in template:
        template = template.format(name="t", length=8)
        template = template.replace("dev: data/t/dev.jsonl, test: data/t/", "test: ")
        template = template.replace("validation_split: dev\n", "")
    return template.replace("test.jsonl", name)


FAULTS = {
    "a hidden gold": (world.CHOICE, {"answer": -1}, "from 0 to 1, found -1 .*not published"),
    "a hidden gold, templated": (world.TEMPLATED, {"answer": -1}, "found '-1'"),
    "a gold out of range": (world.CHOICE, {"answer": 2}, "from 0 to 1, found 2"),
    "a gold that is null": (world.CHOICE, {"answer": None}, "column 'answer', found none"),
    "null, templated": (world.TEMPLATED, {"answer": None}, "column 'answer', found none"),
    "a decimal gold": (world.CHOICE, {"answer": 1.0}, "whole number as gold, found 1.0"),
    "a gold of 23 digits": (world.CHOICE, {"answer": 10**22}, "from 0 to 1, found 1000"),
    "a gold of no choice": (
        world.CHOICE,
        {"answer": "an other"},
        "one of the choices .*'an other'",
    ),
    "an empty gold": (world.TEMPLATED, {"answer": ""}, "one of the choices or its index, found ''"),
    "a list of golds": (world.CHOICE, {"answer": [1]}, "golds in every document or in none"),
    "a gold in an object": (world.CHOICE, {"answer": {"a": 1}}, "whole number as gold"),
    "no choices": (world.CHOICE, {"choices": []}, r"expected a list of choices, found \[\]"),
    "choices in a text": (world.CHOICE, {"choices": "a, b"}, "list of choices, found 'a, b'"),
    "choices that are null": (world.CHOICE, {"choices": None}, "column 'choices', found none"),
    "null among choices": (world.CHOICE, {"choices": ["a", None]}, "that are texts, found null"),
    "an empty choice": (world.CHOICE, {"choices": ["", "b"]}, "that are not empty"),
    "one choice": (world.CHOICE, {"choices": ["b"], "answer": 0}, "two choices or more"),
    "equal choices": (world.CHOICE, {"choices": ["b", "b"]}, "different choices, found 'b' twice"),
    "whole numbers as choices": (world.CHOICE, {"choices": [4, 5]}, "texts, found 4; put it in"),
    "numbers, templated": (world.TEMPLATED, {"choices": [4, 5]}, "that are texts, found 4"),
    "no prompt": (world.CHOICE, {"question": None}, "column 'question', found none"),
    "no prompt, templated": (world.TEMPLATED, {"question": None}, "column 'question', found none"),
    "a prompt of digits": (world.TEMPLATED, {"question": "1984"}, "digits alone for the index"),
    "a prompt that is a number": (world.CHOICE, {"question": 5}, "prompt that is text, found 5"),
    "an own prompt that is null": (world.OWN, {"prompt": None}, "column 'prompt', found none"),
    "an own prompt that is a number": (world.OWN, {"prompt": 5}, "prompt that is text, found 5"),
    "an own response that is null": (
        world.OWN,
        {"response": None},
        "column 'response', found none",
    ),
    "an answer that is null": (GENERATE, {"response": None}, "column 'response', found none"),
    "an answer that is a list": (GENERATE, {"response": ["a"]}, "in every document or in none"),
    "a filtered null": (
        GENERATE.replace("{{prompt}}", "{{prompt|trim}} :"),
        {"prompt": None},
        "column 'prompt', found none",
    ),
    "an answer that is empty": (LIKELIHOOD, {"response": ""}, "text to score, found an empty one"),
    "a document that is empty": (ROLLING, {"text": ""}, "text to score, found an empty one"),
    "a document that is null": (ROLLING, {"text": None}, "column 'text', found none"),
}


def good_row(template):
    return CHOICE if "multiple_choice" in template else {**OWN, "text": "a text"}
