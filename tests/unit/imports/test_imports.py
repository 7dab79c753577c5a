"""Tables of other tools become the trial table; what cannot be read is told with file, column, line and mend."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sweeps.columns import content_digest
from sweeps.config.models import Condition, ImportedTrials, ParamRange
from sweeps.config.problems import ConfigError
from sweeps.evidence import assess
from sweeps.imports import import_trials
from sweeps.records import read_trials, write_table
from sweeps.space import Space

CSV = """trial,acc,state,lr,encoder,layers,use_x,acc_cat,acc_dog,loss
3,0.75,COMPLETE,0.001,cnn,2,True,0.5,1.0,0.9
1,0.5,TrialState.PRUNED,1e-2,context,,false,0.25,0.75,1.1
2,nan,FAIL,0.003,cnn,3.0,1,,,
"""
SOURCE = {"number": "trial", "value": "acc", "class_rates": "acc_{class}", "class_sizes": {"cat": 4, "dog": 4}}


@pytest.fixture
def space() -> Space:
    return Space(
        {
            "lr": ParamRange(type="float", low=1e-4, high=1e-1, log=True),
            "encoder": ParamRange(type="categorical", choices=["cnn", "context"], quotas=[0.75, 0.25]),
            "layers": ParamRange(type="int", low=1, high=4, condition=Condition(equals={"encoder": "cnn"})),
            "use_x": ParamRange(type="categorical", choices=[True, False]),
        }
    )


def read(tmp_path: Path, space: Space, text: str = CSV, name: str = "t.csv", **changes: object):
    (tmp_path / name).write_text(text)
    return import_trials(ImportedTrials(file=name, **{**SOURCE, **changes}), space, base=tmp_path)


def problems(failure: pytest.ExceptionInfo[ConfigError]) -> str:
    return str(failure.value)


def test_a_csv_becomes_the_trial_table(tmp_path, space):
    trials = read(tmp_path, space).trials
    assert trials["slot"].tolist() == [1, 2, 3]
    assert trials["state"].tolist() == ["PRUNED", "FAIL", "COMPLETE"]
    assert trials["params_use_x"].tolist() == [False, True, True]
    assert trials["params_layers"].tolist() == [pd.NA, 3, 2] or trials["params_layers"].isna().tolist() == [
        True,
        False,
        False,
    ]
    assert trials["arm"].tolist() == ["encoder=context", "encoder=cnn", "encoder=cnn"]
    assert trials["correct_cat"].tolist()[2] == 2
    assert trials["total_dog"].tolist() == [4, 4, 4]
    assert trials["loss"].tolist()[2] == 0.9


def test_what_was_written_reads_back_the_same(tmp_path, space):
    trials = read(tmp_path, space).trials
    write_table(trials, tmp_path / "trials.csv")
    again = read_trials(tmp_path / "trials.csv", space)
    assert content_digest(again) == content_digest(trials)
    assert assess(again, space) == assess(trials, space)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators_are_understood(tmp_path, space, mark):
    assert len(read(tmp_path, space, CSV.replace(",", mark)).trials) == 3


def test_whole_numbers_that_are_none_stay_for_the_audit(tmp_path, space):
    imported = read(tmp_path, space, CSV.replace("cnn,3.0", "cnn,2.5"))
    assert 2.5 in imported.trials["params_layers"].tolist()
    assert any("whole number" in item.message for item in imported.notes)


@pytest.mark.parametrize(("cell", "choice"), [("1e-3", 0.001), ("0.0010", 0.001), (" 0.01 ", 0.01), ("0.5", "0.5")])
def test_choices_that_are_numbers_are_read_as_numbers(tmp_path, cell, choice):
    space = Space({"lr": ParamRange(type="categorical", choices=[0.001, 0.01])})
    (tmp_path / "t.csv").write_text(f"number,value,lr\n0,0.1,{cell}\n1,0.2,0.01\n")
    assert import_trials(ImportedTrials(file="t.csv"), space, base=tmp_path).trials["params_lr"].tolist()[0] == choice


def test_sizes_without_rates_give_totals(tmp_path, space):
    trials = read(tmp_path, space, class_rates=None).trials
    assert trials["total_cat"].tolist() == [4, 4, 4]
    assert "correct_cat" not in trials


def test_the_first_rows_only(tmp_path, space):
    assert read(tmp_path, space, first=1).trials["slot"].tolist() == [3]


def test_rows_without_numbers_are_counted_and_that_is_told(tmp_path, space):
    imported = read(tmp_path, space, CSV.replace("trial,", "who,"), number="number")
    assert imported.trials["slot"].tolist() == [0, 1, 2]
    assert any("order" in item.message for item in imported.notes)


@pytest.mark.parametrize("shape", ["records", "split", "columns", "dict", "trials"])
def test_json_in_every_common_shape(tmp_path, space, shape):
    rows = [{"number": 0, "value": 0.5, "state": "COMPLETE", "lr": 0.01, "encoder": "cnn", "layers": 2, "use_x": True}]
    frame = pd.DataFrame(rows)
    content = {
        "records": rows,
        "split": json.loads(frame.to_json(orient="split")),
        "columns": frame.to_dict("list"),
        "dict": json.loads(frame.to_json()),
        "trials": {"trials": [{"number": 0, "values": [0.5], "state": "COMPLETE", "params": rows[0]}]},
    }[shape]
    plain = {"number": "number", "value": "value", "class_rates": None, "class_sizes": {}}
    trials = read(tmp_path, space, json.dumps(content), "t.json", **plain).trials
    row = trials.iloc[0]
    assert (row["value"], row["params_lr"], row["params_layers"], row["params_use_x"]) == (0.5, 0.01, 2, True)


def test_json_lines(tmp_path, space):
    text = "\n".join(json.dumps({"number": n, "value": n / 10, "lr": 0.01}) for n in range(3))
    plain = {"number": "number", "value": "value", "class_rates": None, "class_sizes": {}}
    assert len(read(tmp_path, space, text, "t.jsonl", **plain).trials) == 3


def test_columns_as_optuna_names_them(tmp_path, space):
    text = "number,value,params_lr,params_encoder,params_layers,params_use_x,state\n0,0.5,0.01,cnn,2,True,COMPLETE\n"
    plain = {"number": "number", "value": "value", "class_rates": None, "class_sizes": {}}
    assert read(tmp_path, space, text, **plain).trials["params_lr"].tolist() == [0.01]


def test_a_parameter_under_another_name(tmp_path, space):
    renamed = CSV.replace(",lr,", ",learning_rate,")
    assert read(tmp_path, space, renamed, parameters={"lr": "learning_rate"}).trials["params_lr"].notna().all()


def test_rates_in_percent_are_understood_and_told(tmp_path, space):
    text = CSV.replace("0.5,1.0,0.9", "50,100,0.9").replace("0.25,0.75", "25,75")
    imported = read(tmp_path, space, text)
    assert imported.trials["correct_dog"].tolist()[2] == 4
    assert any("percent" in item.message for item in imported.notes)


def test_rates_written_with_few_digits_still_give_counts(tmp_path, space):
    text = CSV.replace("0.5,1.0,0.9", "0.33,0.67,0.9").replace("0.25,0.75", "0.0,1.0")
    trials = read(tmp_path, space, text, class_sizes={"cat": 3, "dog": 3}).trials
    assert trials["correct_cat"].tolist()[2] == 1


def test_rates_that_are_no_count_stay_visible(tmp_path, space):
    text = CSV.replace("0.5,1.0,0.9", "0.6123,1.0,0.9")
    assert read(tmp_path, space, text).trials["correct_cat"].tolist()[2] == pytest.approx(4 * 0.6123)


def test_a_class_without_a_size_keeps_its_rate_and_is_told(tmp_path, space):
    imported = read(tmp_path, space, class_sizes={"cat": 4})
    assert "rate_dog" in imported.trials
    assert any("class_sizes.dog" in item.key for item in imported.notes)


def test_text_that_means_missing_is_missing(tmp_path, space):
    text = CSV.replace("2,nan,FAIL,0.003", "2,None,failed,n/a")
    trials = read(tmp_path, space, text).trials
    assert trials["params_lr"].isna().tolist() == [False, True, False]


def test_a_choice_named_none_is_a_choice(tmp_path):
    space = Space({"norm": ParamRange(type="categorical", choices=["None", "batch"])})
    plain = ImportedTrials(file="t.csv")
    (tmp_path / "t.csv").write_text("number,value,norm\n0,0.1,None\n1,0.2,batch\n2,0.3,\n")
    assert import_trials(plain, space, base=tmp_path).trials["params_norm"].tolist()[:2] == ["None", "batch"]


def test_zombies_and_copies_stay_for_the_audit(tmp_path, space):
    text = CSV + "4,,RUNNING,0.01,cnn,1,True,,,\n3,0.75,COMPLETE,0.001,cnn,2,True,0.5,1.0,0.9\n"
    trials = read(tmp_path, space, text).trials
    assert trials["slot"].tolist() == [1, 2, 3, 3, 4]
    assert trials["state"].tolist()[-1] == "RUNNING"


def test_a_path_may_come_from_the_environment(tmp_path, space, monkeypatch):
    (tmp_path / "t.csv").write_text(CSV)
    source = ImportedTrials(file="$OUR_TRIALS", **SOURCE)
    with pytest.raises(ConfigError, match="set OUR_TRIALS"):
        import_trials(source, space, base=tmp_path)
    monkeypatch.setenv("OUR_TRIALS", str(tmp_path / "t.csv"))
    assert len(import_trials(source, space, base="/nowhere").trials) == 3


BROKEN = {
    "no such file": (None, {}, "cannot be read"),
    "an empty file": ("", {}, "not a readable table"),
    "a header only": (CSV.splitlines()[0] + "\n", {}, "holds no trials"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", {}, "not a readable table"),
    "ragged rows": (CSV + "1,2,3,4,5,6,7,8,9,10,11,12\n", {}, "not a readable table"),
    "a column twice": (CSV.replace("loss", "lr"), {}, "stands twice"),
    "no metric column": (CSV, {"value": "ac"}, "did you mean 'acc'"),
    "no number column": (CSV, {"number": "trail"}, "did you mean 'trial'"),
    "no state column": (CSV, {"state": "stat"}, "did you mean 'state'"),
    "a metric of words": (CSV.replace("0.75,COMPLETE", "good,COMPLETE"), {}, "is no number in line 2"),
    "a parameter of words": (CSV.replace("0.001,cnn", "fast,cnn"), {}, "is no number in line 2"),
    "numbers that are none": (CSV.replace("\n3,", "\n3.5,"), {}, "no trial number in line 2"),
    "a pattern without a class": (CSV, {"class_rates": "acc"}, "holds no {class}"),
    "a pattern that matches nothing": (CSV, {"class_rates": "val_{class}"}, "matches no column"),
    "a class without a column": (CSV, {"class_sizes": {"cat": 4, "dig": 4}}, "did you mean 'dog'"),
    "an unknown parameter": (CSV, {"parameters": {"lrr": "lr"}}, "did you mean 'lr'"),
    "a parameter's column that is not there": (CSV, {"parameters": {"lr": "rate"}}, "no such column"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_tables_are_told_with_a_mend(tmp_path, space, what):
    content, changes, words = BROKEN[what]
    if content is not None:
        (tmp_path / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as failure:
        import_trials(ImportedTrials(file="t.csv", **{**SOURCE, **changes}), space, base=tmp_path)
    assert words in problems(failure)


@pytest.mark.parametrize("text", ["{", "[1, 2]", '"x"', '{"a": 1}', "[" * 5000])
def test_broken_json_is_told(tmp_path, space, text):
    with pytest.raises(ConfigError, match="not a readable table"):
        read(tmp_path, space, text, "t.json")


def test_all_problems_of_a_table_are_told_at_once(tmp_path, space):
    text = CSV.replace("0.001,cnn", "fast,cnn").replace("0.75,COMPLETE", "good,COMPLETE")
    with pytest.raises(ConfigError) as failure:
        read(tmp_path, space, text)
    assert len(failure.value.problems) == 2


@pytest.mark.parametrize("changes", [{"storage_url": "sqlite:///x.db"}, {"file": None}])
def test_a_source_names_one_place(tmp_path, space, changes):
    with pytest.raises(ConfigError):
        read(tmp_path, space, **changes) if "file" not in changes else import_trials(ImportedTrials(), space)


def test_an_optuna_study_with_its_epochs(tmp_path, space):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = f"sqlite:///{tmp_path}/s.db"
    study = optuna.create_study(study_name="s", storage=url, direction="maximize")
    for number in range(4):
        trial = study.ask()
        lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        trial.suggest_categorical("encoder", ["context"])
        trial.set_user_attr("acc_cat", 0.5)
        trial.report(lr, 1)
        trial.report(lr + 1, 2)
        if number == 3:
            continue
        study.tell(trial, None if number == 2 else lr, state=optuna.trial.TrialState.PRUNED if number == 2 else None)
    source = ImportedTrials(storage_url=url, study_name="s", class_rates="acc_{class}", class_sizes={"cat": 4})
    imported = import_trials(source, space)
    assert imported.trials["state"].tolist() == ["COMPLETE", "COMPLETE", "PRUNED", "RUNNING"]
    assert imported.trials["value"].tolist()[2] == pytest.approx(imported.trials["params_lr"].tolist()[2] + 1)
    assert imported.trials["correct_cat"].tolist() == [2, 2, 2, 2]
    assert imported.epochs["epoch"].tolist() == [1, 2] * 4


def test_a_study_that_is_not_there_is_told(tmp_path, space):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    missing = ImportedTrials(storage_url=f"sqlite:///{tmp_path}/none.db", study_name="s")
    with pytest.raises(ConfigError, match="no such SQLite file"):
        import_trials(missing, space)
    url = f"sqlite:///{tmp_path}/s.db"
    optuna.create_study(study_name="study", storage=url)
    with pytest.raises(ConfigError, match="did you mean 'study'"):
        import_trials(ImportedTrials(storage_url=url, study_name="studi"), space)


def test_a_password_in_a_url_is_refused_and_never_shown(space):
    url = "postgresql+psycopg://me:hunter2@db.example.org/sweeps"
    with pytest.raises(ConfigError) as failure:
        import_trials(ImportedTrials(storage_url=url, study_name="s"), space)
    assert "password" in problems(failure)
    assert "hunter2" not in problems(failure)


def test_infinity_is_a_value_and_nan_is_none(tmp_path, space):
    trials = read(tmp_path, space, CSV.replace("0.75,COMPLETE", "inf,COMPLETE")).trials
    assert np.isinf(trials["value"].tolist()[2])
