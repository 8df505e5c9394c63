"""Simulated rollouts: an equal version is hardly ever rolled back, one beyond its bound nearly always, and soon."""
import json
import pathlib
import subprocess

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/rollout-simulation"


def simulate(*flags):
    return json.loads(subprocess.run([str(PROGRAM), *map(str, flags)], check=True, capture_output=True, text=True).stdout)


def run(table, options):
    if not PROGRAM.exists():
        return table.cannot("rollout", None, f"{PROGRAM} is not built: ninja -C build/release rollout-simulation")
    count = max(100, int(10_000 * options.size))
    equal = simulate("--rollouts", count)
    print(f"equal versions: {equal}", flush=True)
    table.at_most(f"rolled back of {count} equal versions", [equal["rolledBack"] / count], 0.01, "share")
    table.at_least(f"promoted of {count} equal versions within two hours", [equal["promoted"] / count], 0.98, "share")
    # As many errors as the bound allows take longest to be told from too many.
    edge = simulate("--rollouts", count // 10, "--errors", 0.01)
    print(f"at the bound: {edge}", flush=True)
    table.at_most(f"rolled back of {count // 10} versions at their bound", [edge["rolledBack"] / (count // 10)], 0.01, "share")
    double = simulate("--rollouts", count // 10, "--errors", 0.02)
    print(f"twice the bound: {double}", flush=True)
    table.at_least(f"rolled back of {count // 10} versions at twice their bound", [double["rolledBack"] / (count // 10)], 0.99, "share")
    table.fact("median requests of a candidate at twice its bound", [double["medianSamples"]], "requests",
               f"a test of one look needs {double['fixedHorizonSamples']:.0f}")
    slow = simulate("--rollouts", count // 10, "--median", 0.015)
    print(f"half again as slow: {slow}", flush=True)
    table.at_least(f"rolled back of {count // 10} versions half again as slow", [slow["rolledBack"] / (count // 10)], 0.99, "share")
