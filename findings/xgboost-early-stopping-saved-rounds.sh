#!/usr/bin/env bash
# xgboost 3.2.0: a model that stopped early is saved with all its rounds, and what loads the file answers by who loads it.
# XGBClassifier uses best_iteration + 1 of them, as predict_proba did in training; Booster (and any server over the C API) uses all.
# So the served model is not the one that was evaluated, though the file says which: the attribute best_iteration.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: xgboost-cpu==3.2.0 scikit-learn==1.9.1 numpy==2.4.6
cat >"$folder/train.py" <<'PYTHON'
import sys
import numpy, xgboost

file, random = sys.argv[1], numpy.random.default_rng(0)
x = random.normal(size=(2000, 10))
y = (x[:, 0] + 2 * random.normal(size=2000) > 0).astype(int)
model = xgboost.XGBClassifier(n_estimators=300, early_stopping_rounds=5, random_state=0)
model.fit(x[:1000], y[:1000], eval_set=[(x[1000:], y[1000:])], verbose=False)
trained = model.predict_proba(x[1000:])[:, 1]
model.save_model(file)
booster, again = xgboost.Booster(model_file=file), xgboost.XGBClassifier()
again.load_model(file)
rows = xgboost.DMatrix(x[1000:])
print("rounds saved", booster.num_boosted_rounds(), "best_iteration", booster.attr("best_iteration"))
for name, served in (("XGBClassifier", again.predict_proba(x[1000:])[:, 1]), ("Booster", booster.predict(rows)),
                     ("Booster, told", booster.predict(rows, iteration_range=(0, booster.best_iteration + 1)))):
    print(name + ":", "the trained model" if numpy.array_equal(trained, served) else "another model, other labels: "
          f"{numpy.mean((trained > 0.5) != (served > 0.5)):.0%}")
PYTHON
want="rounds saved 9 best_iteration 3
XGBClassifier: the trained model
Booster: another model, other labels: 10%
Booster, told: the trained model"
got=$("$folder/venv/bin/python" "$folder/train.py" "$folder/m.ubj" 2>&1 | cat)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
