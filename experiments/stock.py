"""Stock the zoo with models that the sweep has trained: `python -m
experiments.stock`.

Models of seed 0 for every latent dimension and beta, at two dimensions of six
seeds and of six epochs, and at sixteen those that draw shirts. What the sweep
has not trained yet is named and left out.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from tqdm import tqdm

from aevae_lib import data, train, zoo

from .sweep import EPOCHS_KEPT, WEIGHTS, Run, build, loss_of, stage_runs

SEEDS = range(6)


def main() -> None:
    test = data.load("cpu").test
    zoo.FOLDER.mkdir(exist_ok=True)
    missing = []
    for run in tqdm(wanted(), unit=" model"):
        path = WEIGHTS / f"{run.name}.safetensors"
        if not path.exists():
            missing.append(run.name)
            continue
        store(run, path, test, images_seen=run.budget, final=True)
        if run == Run(run.kind, 2, 0) and run.kind in ("ae", "vae"):
            for epoch in EPOCHS_KEPT:
                on_the_way = path.with_suffix(f".epoch{epoch}")
                store(
                    run,
                    on_the_way,
                    test,
                    images_seen=55_000 * epoch,
                    final=False,
                )
    print(
        "Left out, since the sweep has not trained them: "
        f"{', '.join(missing) or 'none'}."
    )
    size = sum(file.stat().st_size for file in zoo.FOLDER.iterdir())
    print(
        f"The zoo holds {len(zoo.catalogue())} models in {size / 1e6:.1f} MB."
    )


def wanted() -> list[Run]:
    """The runs whose models the zoo is to hold."""
    stages = [run for stage in "ABC" for run in stage_runs(stage)]
    return [
        run
        for run in stages
        if kind(run) in zoo.KINDS
        and run.train_images == 55_000
        and (run.latent_dim == 16 or kind(run) in ("ae", "vae"))
        and (
            run.seed == 0
            or (run == Run(run.kind, 2, run.seed) and run.seed in SEEDS)
        )
    ]


def kind(run: Run) -> str:
    """What the zoo calls this kind of model."""
    return run.kind if run.only_class is None else f"shirt-{run.kind}"


def store(run: Run, path: Path, test: data.Split, **how: object) -> None:
    """Write the zoo's file of one trained model."""
    model = build(run)
    model.load_state_dict(load_file(path))
    told = test.labels if run.kind in ("cae", "cvae") else None
    terms = train.evaluate(model, loss_of(run), test.images, labels=told)
    metadata = {
        "kind": kind(run), "latent_dim": run.latent_dim, "beta": run.beta, "seed": run.seed, **how,
        "test_nats": {name: nats for name, nats in terms.items() if name != "loss"},
    }  # fmt: skip
    zoo.save(model, zoo.FOLDER / zoo.file_name(metadata), metadata=metadata)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
