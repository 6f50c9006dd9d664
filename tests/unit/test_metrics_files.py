"""Order and scale of a user's own matrix: found or asked for, never guessed."""

import argparse
import json

import pytest

from lethe.commands import metrics as by_hand
from lethe.errors import UserError

ROWS = {
    "base": ".1,.2,.1",
    "simp": ".8,.3,.2",
    "emdg": ".6,.7,.1",
    "exp": ".5,.6,.9",
}
GENERAL = "stage,mmlu,boolq\n0,.4,.8\n1,.3,.8\n2,.2,.6\n3,.2,.6\n"


def matrix(labels: str, columns: str = "simp,emdg,exp") -> str:
    """The matrix with other labels, which stand for the rows in the order of ROWS."""
    named = zip(labels.split(","), ROWS.values(), strict=True)
    return f"stage,{columns}\n" + "".join(f"{label},{row}\n" for label, row in named)


def in_percent(text: str) -> str:
    head, *rows = text.splitlines()
    fields = [row.split(",") for row in rows]
    scaled = [[label, *(f"{100 * float(v):g}" for v in values)] for label, *values in fields]
    return "\n".join([head, *(",".join(row) for row in scaled)]) + "\n"


@pytest.fixture
def metrics(tmp_path):
    """Runs the command on CSV texts; returns its results."""

    def run(text, *flags, **files):
        (tmp_path / "matrix.csv").write_text(text)
        words = [str(tmp_path / "matrix.csv"), *flags]
        for flag, content in files.items():
            (tmp_path / f"{flag}.csv").write_text(content)
            words += [f"--{flag}", str(tmp_path / f"{flag}.csv")]
        parser = argparse.ArgumentParser()
        by_hand.add_arguments(parser)
        results = by_hand.by_hand(parser.parse_args(words))
        assert json.dumps(results, allow_nan=False) and by_hand.as_text(results)
        results["by"] = {entry["id"]: entry["value"] for entry in results["metrics"]}
        results["notes"] = {entry["id"]: entry["note"] for entry in results["metrics"]}
        results["units"] = {entry["id"]: entry["unit"] for entry in results["metrics"]}
        return results

    return run


def test_rows_that_are_named_give_the_order_whatever_that_of_the_columns(metrics):
    straight = metrics(matrix("base,simp,emdg,exp"))
    turned = "stage,exp,simp,emdg\nbase,.1,.1,.2\nsimp,.2,.8,.3\nemdg,.1,.6,.7\nexp,.9,.5,.6\n"
    found = metrics(turned)
    assert found["by"] == pytest.approx(straight["by"])
    assert (found["order"], found["order_found_in"]) == (
        ["simp", "emdg", "exp"],
        "the rows' labels",
    )
    assert metrics(turned.replace("emdg,", "EMDG,"))["by"] == pytest.approx(straight["by"])
    assert straight["by"]["fr_ke"] == pytest.approx((0.8 - 0.5 + 0.7 - 0.6) / 2)


def test_unnamed_rows_are_in_the_columns_order_which_is_said(metrics):
    for labels in ("0,1,2,3", "0.0,1.0,2.0,3.0", "base,a,b,c", "s0,s1,s2,s3", "x,after simp,y,z"):
        found = metrics(matrix(labels))
        assert found["order"] == ["simp", "emdg", "exp"]
        assert found["order_found_in"] == "the columns' order"
        assert "Order of training: simp emdg exp (from the columns' order)" in by_hand.as_text(
            found
        )


def test_the_order_can_be_given(metrics):
    given = metrics(matrix("0,1,2,3"), "--order", "exp,simp,emdg")
    assert given["by"]["la"] == pytest.approx((0.2 + 0.6 + 0.6) / 3)
    assert given["order_found_in"] == "--order"


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("3,2,1,0", "first row to be stage 0, the base model, found stage 3"),
        ("0,3,2,1", "stages 0 to 3 in order, found 0, 3, 2, 1"),
        ("0,1,1,2", "stages 0 to 3 in order"),
        ("-1,0,1,2", "first row to be stage 0"),
        ("base,3,2,1", "stages in order, found the row '2' after '3'"),
        ("s3,s2,s1,s0", "stages in order, found the row 's2' after 's3'"),
        ("step 0,step 500,step 300,step 900", "found the row 'step 300' after 'step 500'"),
        ("exp,emdg,simp,base", "expected the first row to be stage 0, .* 'exp', a task"),
        ("x,simp,emdg,base", "expected the base in the first row, found 'base'"),
        ("base,after exp,after emdg,after simp", "the row 'after exp' stands where"),
        ("base,simp,emgd,exp", "the row 'emgd', which is no column, and the column 'emdg'"),
        ("base,simp,simp,s3", "the row 's3', which is no column, and the column 'emdg'"),
    ],
)
def test_rows_out_of_order_or_unclear_are_one_sentence(metrics, labels, sentence):
    with pytest.raises(UserError, match=sentence):
        metrics(matrix(labels))


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ("simp,emdg", "expected 3 entries, one for each stage .* found 2"),
        ("simp,emdg,exq", "'exq' is not known; did you mean 'exp'"),
        ("simp,exp,emdg", "'exp' is the row 'emdg'"),
        ("none,none,none", "expected a task"),
    ],
)
def test_an_order_that_does_not_fit_is_one_sentence(metrics, order, sentence):
    labels = "0,1,2,3" if order == "none,none,none" else "base,simp,emdg,exp"
    with pytest.raises(UserError, match=sentence):
        metrics(matrix(labels), "--order", order)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("3,2,1,0", "first row to be stage 0"),
        ("0,2,1,3", "stages 0 to 3 in order"),
        ("base,emdg,simp,exp", "expected the rows base, simp, emdg, exp"),
        ("exp,emdg,simp,base", "expected the rows base, simp, emdg, exp"),
        ("a,b,c,d", "expected the rows base, simp, emdg, exp"),
    ],
)
def test_general_rows_are_the_stages_of_the_matrix(metrics, labels, sentence):
    for flag in ("general", "loss"):
        table = matrix(labels)
        with pytest.raises(UserError, match=sentence):
            metrics(matrix("base,simp,emdg,exp"), **{flag: table})
    assert metrics(matrix("base,simp,emdg,exp"), general=GENERAL)["by"]["fg_luo"] is not None


def test_columns_of_references_and_losses_are_found_by_name(metrics):
    row, turned = "x,simp,emdg,exp\nj,.9,.8,.7\n", "x,exp,simp,emdg\nj,.7,.9,.8\n"
    straight = matrix("0,1,2,3")
    losses = "stage,exp,simp,emdg\n0,3,3,3\n1,3,1,3\n2,3,2,1\n3,1,2,2\n"
    one = metrics(straight, single=row, joint=row, baseline=row, loss=losses)["by"]
    two = metrics(straight, single=turned, joint=turned, baseline=turned, loss=losses)["by"]
    assert one == pytest.approx(two)
    assert one["mlm_loss_delta"] == pytest.approx(1)


UNITLESS = ("rem_diaz", "fg_luo", "fg_last", "fg_chance", "drop_points")


@pytest.mark.parametrize("items", [[], ["--items", "50"]])
def test_percent_give_the_metrics_of_shares(metrics, items):
    text, row = matrix("0,1,2,3"), "x,simp,emdg,exp\nj,.9,.8,.7\n"
    files = {"general": GENERAL, "single": row, "joint": row, "baseline": row}
    shares = metrics(text, "--chance", "mmlu=.25,boolq=.5", *items, **files)
    percent = metrics(
        in_percent(text),
        "--chance", "mmlu=25,boolq=50", *items,
        **{name: in_percent(content) for name, content in files.items()},
    )  # fmt: skip
    assert (shares["scale"], percent["scale"]) == ("shares", "percent")
    assert percent["by"]["rem_diaz"] == pytest.approx(1 - (0.2 + 0.3 + 0.1) / 3)
    for name, value in shares["by"].items():
        factor = 1 if name in UNITLESS or value is None else 100
        assert percent["by"][name] == (value and pytest.approx(value * factor)), name
        scaled = name not in (*UNITLESS, "mlm_loss_delta")
        assert (percent["units"][name] == "percent") == scaled, name


@pytest.mark.parametrize(
    ("old", "new", "flags", "sentence"),
    [
        (".8,", "80,", [], r"0\.1 beside 80 .* expected one scale"),
        (".8,", "1.5,", [], "expected one scale"),
        (".8,", "-.8,", [], r"expected a score from 0 to 1 \(shares\), found -0\.8"),
        (".8,", "80,", ["--scale", "shares"], r"expected a score from 0 to 1 \(shares\), found 80"),
        (".8,", "180,", ["--scale", "percent"], "expected a score from 0 to 100"),
        (".8,", ".8,", ["--scale", "percent"], "no score is above 1"),
        (".8,", "1_0,", [], "expected a number, found '1_0'"),
    ],
)
def test_two_scales_or_a_value_out_of_scale_are_one_sentence(metrics, old, new, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        metrics(matrix("0,1,2,3").replace(old, new, 1), *flags)


def test_a_reference_in_another_scale_is_refused(metrics):
    for flag in ("single", "joint", "baseline"):
        with pytest.raises(UserError, match="expected one scale"):
            metrics(matrix("0,1,2,3"), **{flag: "x,simp,emdg,exp\nj,90,80,70\n"})


def test_less_than_one_percent_is_accepted_where_percent_are_declared(metrics):
    text = in_percent(matrix("0,1,2,3")).replace("0,10,20,10", "0,0.5,20,10")
    with pytest.raises(UserError, match="--scale percent"):
        metrics(text)
    found = metrics(text, "--scale", "percent")
    assert found["by"]["acc"] == pytest.approx(200 / 3)
    zero = in_percent(matrix("0,1,2,3")).replace("0,10,20,10", "0,0,0,0")
    assert metrics(zero)["scale"] == "percent"


def test_scores_of_another_kind_have_no_metric_that_needs_a_bound(metrics):
    text = matrix("0,1,2,3").replace(".", "-3.")
    found = metrics(text, "--scale", "other", general=GENERAL.replace(".", "5."))
    assert found["by"]["fr_ke"] == pytest.approx((-3.8 + 3.5 - 3.7 + 3.6) / 2)
    for name in ("rem_diaz", "drop_points"):
        assert found["notes"][name] == "needs scores that are shares or percent"


@pytest.mark.parametrize(
    ("general", "chance", "sentence"),
    [
        (GENERAL, "nan", "expected a level from 0 to 1 in shares"),
        (GENERAL, "inf", "expected a level from 0 to 1 in shares"),
        (GENERAL, "25", "expected a level from 0 to 1 in shares"),
        (GENERAL, "-0.1", "expected a level from 0 to 1 in shares"),
        (in_percent(GENERAL), "0.25", "0.25 is a share, .* in percent; write 25"),
        (in_percent(GENERAL), "mmlu=25,boolq=0.5", "in percent"),
        (in_percent(GENERAL), "125", "expected a level from 0 to 100 in percent"),
        (GENERAL, "mmlu=.25,mmlu=.5,boolq=.5", "mmlu is given twice"),
        (GENERAL, ".25,.5", "the level is given twice"),
    ],
)
def test_chance_is_a_level_in_the_scale_of_the_sets(metrics, general, chance, sentence):
    with pytest.raises(UserError, match=sentence):
        metrics(matrix("0,1,2,3"), "--chance", chance, general=general)


def test_a_task_that_is_taught_twice(metrics):
    text = "stage,a,b\nbase,.1,.2\na,.8,.3\nb,.4,.9\na,.7,.5\n"
    found = metrics(text)["by"]
    # a was taught last in the last stage, so only b can be forgotten: .9 - .5.
    assert found["fr_ke"] == pytest.approx(0.4)
    assert found["la"] == pytest.approx((0.7 + 0.9) / 2)
    # b before its stage, less the base; a was taught first.
    assert found["fwt_gem"] == pytest.approx(0.3 - 0.2)
    # Since it was last taught: a after b's stage .4 - .8; b after the last stage .5 - .9.
    assert found["bwt_diaz"] == pytest.approx((-0.4 - 0.4) / 2)
    assert metrics(text.replace("base", "0").replace("\na", "\n1", 1).replace("\nb", "\n2").replace(
        "\na", "\n3"), "--order", "a,b,a")["by"] == pytest.approx(found)  # fmt: skip


def test_a_column_that_no_stage_taught_is_in_no_metric_of_tasks(metrics):
    text = "stage,a,b,zero\nbase,.1,.2,.9\na,.8,.3,.1\nb,.4,.9,.5\n"
    found = metrics(text)
    assert found["never_taught"] == ["zero"]
    assert found["by"]["acc"] == pytest.approx((0.4 + 0.9) / 2)
    assert "Never taught, so in no metric of tasks: zero" in by_hand.as_text(found)
    without = metrics("stage,a,b\nbase,.1,.2\na,.8,.3\nb,.4,.9\n")
    assert found["by"] == without["by"]


def test_a_stage_without_a_column_still_makes_others_forget(metrics):
    text = "stage,a,b\nbase,.1,.2\na,.8,.3\nb,.4,.9\nnotes,.3,.6\n"
    found = metrics(text)
    assert found["order"] == ["a", "b", "none"]
    assert found["by"]["fr_ke"] == pytest.approx((0.5 + 0.3) / 2)
    assert found["by"]["la"] == pytest.approx(0.85)
    row = "x,a,b\nj,.9,.9\n"
    note = metrics(text, joint=row)["notes"]["intransigence_chaudhry"]
    assert note == "what the last stage taught has no column"


def test_a_stage_of_several_tasks(metrics):
    text = "stage,a,b,c\nbase,.1,.2,.1\na&b:64,.8,.3,.2\nc,.6,.2,.9\n"
    found = metrics(text)
    assert found["order"] == ["a&b", "c"]
    assert found["by"]["fr_ke"] == pytest.approx((0.2 + 0.1) / 2)


def test_more_stages_than_tasks_without_names_ask_for_the_order(metrics):
    text = "stage,a,b\n0,.1,.2\n1,.8,.3\n2,.4,.9\n3,.7,.5\n"
    with pytest.raises(UserError, match="expected 3 rows .* found 4; .*--order"):
        metrics(text)
    assert metrics(text, "--order", "a,b,none")["by"]["la"] == pytest.approx(0.85)
