"""Ask every selector which evaluation of one run it would take, and what it would have cost.

python examples/choose_without_labels.py
"""

import da

SELECTORS = "last", "source_accuracy", "entropy", "infomax", "snd", "bnm", "oracle"


def main() -> None:
    """Train one run, and print the evaluation that each selector chooses."""
    run = da.Run(da.methods.CORAL(), "moons:0-40", "mlp", "random", "full", lr=0.01, eval_every=50)
    (record,) = da.sweep([run], workers=1)
    best = record.point("oracle")["target_accuracy"]
    print("selector         step  target %  below the best")
    for selector in SELECTORS:
        point = record.point(selector)
        accuracy = point["target_accuracy"]
        print(f"{selector:15} {point['step']:5.0f} {accuracy:9.1f} {best - accuracy:15.1f}")


if __name__ == "__main__":
    main()
