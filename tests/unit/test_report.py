"""A study's report says what its tables say, leaves out what it has not, and is inert."""

import hashlib
import re
import shlex
from base64 import b64encode
from dataclasses import replace

import pandas as pd
import pytest
from report_case import Page, ask, reported, two_methods
from study_folder_case import small_record, small_study
from synthetic_study import Synthetic, long_tables, synthetic_study

from lethe.artefacts.paths import PACKAGE
from lethe.cli import main
from lethe.commands.where import headline
from lethe.figures.appearance import Look
from lethe.longtables.schema import columns
from lethe.metrics.comparisons import paired_difference
from lethe.metrics.intervals import t_interval
from lethe.questions.changes import Answer
from lethe.report.cautions import broken_chains
from lethe.report.charts import LEFT, RIGHT
from lethe.report.evolution import WIDTH, _loss_panel
from lethe.report.facts import command, time_spent
from lethe.report.frontier import _filled
from lethe.report.grids import grid
from lethe.report.headlines import Compared, _best, _forgotten, compared, tiles
from lethe.report.lost import Entry, SetItems, _answer
from lethe.report.page import sentence
from lethe.tables import methods
from lethe.tables.method_lines import MethodLine
from lethe.tables.writing import Table

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"
TAGS = {
    "a", "b", "body", "button", "circle", "code", "dd", "details", "div", "dl", "dt", "figcaption",
    "figure", "h1", "h2", "h3", "head", "header", "html", "li", "line", "link", "main", "meta",
    "nav", "p", "polygon", "polyline", "pre", "script", "section", "span", "style", "sub",
    "summary", "sup", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr", "ul",
}  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two methods, three base seeds, claims, texts of one set."""
    scores, items = two_methods()
    folder = tmp_path_factory.mktemp("report") / "small"
    source = reported(folder, scores, items)
    ask(folder, items, "know_nature", "Which of these?")
    return source


@pytest.fixture(scope="module")
def shown(study):
    return Page(study)


def numbers_of(text: str) -> set[str]:
    return set(re.findall(r"\d+\.\d\b", text))


def test_every_number_of_a_headline_is_one_of_the_metrics_table_or_a_paired_difference(study):
    metrics = study.tables.metrics
    ends = metrics[["value", "low", "high"]].to_numpy(float).ravel()
    known = {f"{abs(100 * end):.1f}" for end in ends if end == end}
    kept = metrics[(metrics["metric"] == "bwt_gem") & (metrics["unit"] != "base seeds")]
    by_method = {
        name: rows.sort_values("base_seed")["value"].tolist()
        for name, rows in kept.groupby("method")
    }
    test = paired_difference(by_method["replay"], by_method["sequential"])
    known |= {f"{abs(100 * end):.1f}" for end in (test.mean, test.low, test.high)}
    found = tiles(study.tables)
    assert [tile.heading for tile in found] == [
        "What plain training forgets", "replay keeps most", "General ability, plain training",
    ]  # fmt: skip
    for tile in found:
        said = numbers_of(f"{tile.number} {tile.interval} {tile.words}")
        assert said and said <= known, (tile.heading, said - known)
    assert "paired over 3 seeds" in found[1].words


def test_the_first_headline_is_the_row_of_plain_training(study):
    rows = study.tables.metrics
    rows = rows[(rows["metric"] == "bwt_gem") & (rows["method"] == "sequential")]
    row = rows[rows["unit"] == "base seeds"].iloc[0]
    tile = tiles(study.tables)[0]
    assert tile.number.replace("−", "-") == f"{100 * row['value']:.1f} points"
    low, high = (f"{100 * row[end]:.1f}".replace("-", "−") for end in ("low", "high"))
    assert tile.interval == f"{low} to {high}"


def test_a_score_of_one_answer_is_told_beside_the_first_headline(study):
    scores = study.tables.scores
    own = scores[(scores["axis"] == "own") & scores["headline"]].assign(headline=False)
    shares = own.assign(metric="modal_share", value=1.0)
    assert "Nearly all answers" not in tiles(study.tables)[0].words
    told = tiles(replace(study.tables, scores=pd.concat([scores, shares])))[0].words
    sets = ", ".join(dict.fromkeys(own["probe"]))
    assert f"Nearly all answers to {sets} are the same, so its score speaks of that answer." in told


def test_the_page_describes_itself_by_its_first_number(study, shown, tmp_path):
    (tmp_path / "report.html").write_bytes(shown.bytes)
    words = headline(tmp_path / "report.html")
    assert words == sentence(tiles(study.tables))
    assert words.startswith("What plain training forgets: −")


def test_one_seed_claims_nothing_of_another(tmp_path):
    source = reported(tmp_path / "one", *two_methods(seeds=(0,)))
    found = {tile.heading: tile for tile in tiles(source.tables)}
    (best,) = [tile for tile in found.values() if tile.method == "replay"]
    assert "another seed may differ" in best.words and "paired" not in best.words


def test_a_method_that_is_not_shown_to_be_better_is_not_said_to_keep_most(tmp_path):
    scores, items = two_methods()
    plain = scores[scores["method"] == "sequential"]
    twin = plain.assign(method="twin", node=plain["node"])
    items = items[items["node"].isin(plain["node"])]
    source = reported(tmp_path / "twin", pd.concat([plain, twin]), items)
    words = " ".join(tile.heading for tile in tiles(source.tables))
    assert "keeps most" not in words and "twin and plain training kept as much" in words


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_a_method_that_keeps_less_than_plain_training_is_not_said_to_keep_most(seeds, tmp_path):
    scores, items = two_methods(seeds=seeds)
    swapped = {"sequential": "replay", "replay": "sequential"}
    source = reported(tmp_path / "worse", scores.replace({"method": swapped}), items)
    assert tiles(source.tables)[1].heading == "replay kept less than plain training"


def made(method: str, kept: list[float], learned=(50.0, 0.0), old=(50.0, 0.0)) -> MethodLine:
    """A line with this BWT by seed; (right after the own stage, base) of all and of old tasks."""
    mean = sum(kept) / len(kept)
    ends = (mean - 2, mean + 2) if len(kept) == 1 else t_interval(kept)
    names = ("la", "own_base", "old_own", "old_base")
    numbers = {name: (one, one, one) for name, one in zip(names, (*learned, *old), strict=True)}
    numbers |= {"bwt_gem": (mean, *ends), "acc": (20.0, 15.0, 25.0)}
    units = {(0, 0, seed): {"bwt_gem": value} for seed, value in enumerate(kept)}
    return MethodLine("m", method, "r", ("ab",), "own", ("a", "b"), numbers, units, "8 items")


@pytest.mark.parametrize("wide", [1.0, 9.0])
def test_the_heading_beside_plain_training_is_the_verdict_of_the_words_below(wide):
    """Three pairs, two points less on average, whose differences are near or far apart."""
    plain, less = (
        made("sequential", [-30.0] * 3),
        made("ewc", [-32.0 - wide, -32.0, -32.0 + wide / 2]),
    )
    (best,) = _best(Compared("m", "ab", [plain, less]), plain)
    is_tied = wide > 1
    verb = "is tied with" if is_tied else "kept less than"
    assert best.heading == f"ewc {verb} plain training"
    assert ("Tied with plain training" in best.words) == is_tied


@pytest.mark.parametrize(("last", "old"), [(60.0, 4.0), (0.0, 40.0)])
def test_too_little_learned_is_said_of_the_tasks_that_may_be_forgotten(last, old):
    """Two tasks: what the last stage taught says nothing of forgetting, however much it is."""
    line = made("sequential", [23.7], ((last + old) / 2, 0.0), (old, 0.0))
    most, scores = Compared("m", "ab", [line]), pd.DataFrame(columns=columns("scores"))
    found = _forgotten(most, line, scores)
    if old < last:
        assert found.heading == "Plain training learned too little"
        assert found.number == "4.0 points" and "each old task's own stage" in found.words
    else:
        assert found.heading == "Plain training: no forgetting shown"


def test_the_first_headline_is_the_row_of_the_table_that_joins_orders():
    small = Synthetic((("xs", 7),), orders=("forward", "reverse"), items=8, sets_an_axis=2)
    tables = long_tables(*synthetic_study(small))
    (row,) = [
        row
        for row in methods.build(tables).frame.to_dict("records")
        if row["order"] == "forward, reverse"
    ]
    tile = tiles(tables)[0]
    assert tile.number.replace("−", "-") == f"{row['bwt_gem']:+.1f} points"
    assert "xs, orders forward, reverse;" in tile.words
    # The made-up own sets have three metrics.
    assert "A point is a hundredth of BLEU, ROUGE-1 and SARI." in tile.words


def test_notes_on_columns_that_are_not_shown_go_with_them():
    frame = pd.DataFrame({"method": ["a", "b"], "acc": [1.0, 2.0], "aia": [3.0, 3.0]})
    # A reason may be of several parts, and what is said of a whole row is of no column.
    notes = ["acc, aia: not scored; at floor", "acc: few; aia: a cell is missing; and 1 more"]
    shown = grid(Table(frame.assign(note=notes), "", missing="-"), ("aia",))
    assert [said for _, said in shown.notes] == ["ACC: not scored; at floor", "ACC: few"]
    assert [row[0].mark for row in shown.rows] == ["a", "b"]
    only = grid(Table(frame.assign(note=["aia: not scored", ""]), "", missing="-"), ("aia",))
    assert only.notes == [] and [row[0].mark for row in only.rows] == ["", ""]


def test_a_set_of_several_lines_counts_answers_and_a_graded_answer_is_neither_right_nor_wrong():
    nothing = Answer("a text", None, 0.0, None, None)
    assert (
        _answer(nothing, graded=True) == "a text (0.00)" and _answer(nothing, False) == "a text ✗"
    )
    entries = [Entry(name, "base to 2", 20, 0, 16, True, []) for name in ("a", "b")]
    assert (
        SetItems("own", "", entries).words
        == "2 lines of 20 items: of all 40 answers 0 worse, 32 better"
    )
    one = replace(entries[0], lost=1, is_graded=False)
    assert SetItems("own", "", [one]).words == "1 line of 20 items: of these 1 lost, 16 regained"


def test_short_times_have_tenths_as_in_the_tables():
    rows = pd.DataFrame(
        {
            "node": "n",
            "device": "cpu",
            "measure": ["cost.seconds", "cost.cpu_seconds"],
            "value": [3.0, 0.2],
        }
    )
    words = time_spent(rows)
    assert words.startswith("1 stage of chains, 3.0 s by the clock, 0.2 s of CPU time")
    long = time_spent(rows.assign(value=[2520.0, 780.0]))
    assert "42 min by the clock, 13 min of CPU time" in long


def test_hollow_points_are_explained_where_there_are_both():
    assert (
        _filled({"forward": "full", "mixed": "none"})
        == " Filled points: forward. Hollow points: mixed."
    )
    assert _filled({"forward": "full"}) == ""


def test_general_ability_of_one_model_is_not_held_against_that_of_another(tmp_path):
    scores, items = two_methods()
    scores = scores[scores["axis"] != "own"]
    items = items[items["probe"].isin(scores["probe"])]
    source = reported(tmp_path / "general", scores, items, small_record(claims=[]))
    metrics = source.tables.metrics
    # The other model has one method, which loses nothing.
    other = metrics[metrics["method"] == "replay"].assign(model="another", method="ewc", value=0.0)
    both = replace(source.tables, metrics=pd.concat([other, metrics]))
    (found,) = tiles(both)
    assert found.method == "sequential" and "decoder-xs, order forward" in found.words
    assert "ewc" not in found.words


def test_a_curve_of_losses_stays_within_its_chart_where_methods_take_other_steps():
    short, long = ("simp", [(0, 2.0), (9, 1.0)]), ("simp", [(0, 2.0), (99, 1.0)])
    look = Look("#000000", "o", "-", "a method")
    svg = _loss_panel({("a",): [short], ("b",): [long]}, {("a",): look, ("b",): look})
    curves = re.findall(r'<polyline points="([^"]*)"', svg)
    places = [float(point.partition(",")[0]) for curve in curves for point in curve.split()]
    assert LEFT <= min(places) and max(places) <= WIDTH - RIGHT


def test_a_command_can_be_typed_as_it_stands(study):
    line = command(replace(study, files=("my studies/it's.yaml",)))
    assert shlex.split(line) == ["lethe", "run", "my studies/it's.yaml"]


def test_the_table_of_methods_is_copied_as_the_workflow_writes_it(study, shown, tmp_path):
    tables = {name: str(study.folder / f"{name}.csv") for name in ("scores", "metrics", "stages")}
    places = [word for name, path in tables.items() for word in (f"--{name}", path)]
    assert main(["table", "methods", *places, "--out", str(tmp_path)]) == 0
    for name, ending in {"LaTeX": "tex", "CSV": "csv"}.items():
        written = (tmp_path / f"methods.{ending}").read_text(encoding="utf-8")
        assert shown.copies[f"methods-{name}"].strip() == written.strip()


def test_all_that_the_study_has_stands_in_the_order_of_a_reader(study, shown):
    ids = re.findall(r'<section[^>]* id="(\w+)"', shown.bytes.decode())
    assert ids == [
        "warnings",
        "frontier",
        "tables",
        "items",
        "evolution",
        "claims",
        "costs",
        "again",
    ]
    for words in ("decoder-xs (183 k)", "sequential, replay", "simp → hgen", "base 0, 1, 2"):
        assert words in shown.text


def test_what_a_study_has_no_data_for_is_left_out(tmp_path):
    scores, items = small_study()
    scores = scores[(scores["base_seed"] == 0) & (scores["axis"] != "own")]
    items = items[items["node"].isin(scores["node"])]
    source = reported(tmp_path / "few", scores, items, small_record(claims=[]))
    (source.folder / "stages.csv").unlink()
    assert Page(type(source)(source.study)).sections == {"warnings", "items", "evolution", "again"}


def test_items_unfold_to_their_texts_and_answers(study, shown):
    assert "Which of these?" in shown.text
    assert re.search(r"lost, item know_nature-\d{4}", shown.text)
    assert re.search(r"before [ABCD] ✓\s+after [ABCD] ✗", shown.text)
    assert re.search(r"of 24 items [1-9]\d* lost, \d+ regained", shown.text)


def test_names_and_texts_of_others_are_shown_and_do_nothing(tmp_path):
    scores, items = two_methods(other=HOSTILE)
    named = {"hgen": "<b>hgen</b>", "own_hgen": "own_<b>hgen</b>"}
    scores = scores.replace({"stage_task": named, "probe": named})
    items = items.assign(probe=items["probe"].replace(named), predicted=HOSTILE)
    source = reported(tmp_path / "hostile", scores, items, replace(small_record(), study="x<i>y"))
    ask(source.folder, items, "know_nature", HOSTILE + "\u202e")
    found = Page(source)
    script = (PACKAGE / "report" / "report.js").read_text(encoding="utf-8")
    assert [text for text in found.scripts if text.strip()] == [script]
    assert {tag for tag, _ in found.elements} <= TAGS
    for tag, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action", "xlink:href"):
            address = str(attributes.get(name) or "#")
            assert address.startswith(("#", "questions/")) or (tag, address) == ("link", "data:,")
    assert HOSTILE in found.text and "x<i>y" in found.text and "<b>hgen</b>" in found.text
    assert "\u202e" not in found.text


def test_only_its_own_script_may_run_and_nothing_is_loaded(shown):
    (policy,) = [a["content"] for tag, a in shown.elements
                 if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    digest = b64encode(hashlib.sha256(shown.scripts[0].encode()).digest()).decode()
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy
    assert "http:" not in shown.bytes.decode() and "https:" not in shown.bytes.decode()


def test_equal_tables_give_equal_bytes(study, shown):
    assert Page(type(study)(study.study)).bytes == shown.bytes


def test_a_chain_that_ends_early_is_said_before_any_number():
    scores, _ = small_study()
    assert broken_chains(scores) == []
    early = (scores["base_seed"] == 1) & (scores["stage_index"] == 2)
    assert broken_chains(scores[~early]) == [
        "decoder-xs, sequential, forward: no score after stage 1 in 1 runs"
    ]


def test_the_page_comes_of_a_kept_study_too_without_what_is_not_kept(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["keep", str(study.folder), "--to", "kept"]) == 0
    assert main(["report", "kept"]) == 0
    text = (tmp_path / "results" / "rendered" / "kept" / "report.html").read_text("utf-8")
    assert "were not kept" in text and "What plain training forgets" in text


def test_a_folder_without_a_study_is_refused_in_a_sentence(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "expected a study's folder" in capsys.readouterr().err


def test_the_lines_compared_are_those_of_the_order_with_most_methods(study):
    found = compared(study.tables)
    assert (found.model, found.order) == ("decoder-xs", "forward")
    assert [line.method for line in found.found] == ["sequential", "replay"]
