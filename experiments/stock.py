"""Stock the zoo with models that the sweep has trained.

    python -m experiments.stock

Models of seed 0 for every latent dimension and beta, at two dimensions of six
seeds and of six epochs, and at sixteen those that draw shirts. What the sweep
has not trained yet is named and left out.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from tqdm import tqdm

from aevae_lib import data, train, zoo

from .files import WEIGHTS
from .runs import (
    EPOCH,
    EPOCHS_KEPT,
    KINDS,
    PAIR,
    Run,
    build,
    checkpoints,
    loss_of,
    stage_runs,
    zoo_kind,
)
from .shelf import save
from .sweep.worker import on_the_way, weights_of

SEEDS = range(6)


def main() -> None:
    torch.set_num_threads(1)
    test = data.load(device="cpu").test
    zoo.FOLDER.mkdir(exist_ok=True)
    missing = []
    for run in tqdm(wanted(), unit=" model"):
        path = weights_of(run, WEIGHTS)
        if not path.exists():
            missing.append(run.name)
            continue
        store(run, path, test, images_seen=run.budget, final=True)
        for epoch in EPOCHS_KEPT if checkpoints(run) else ():
            early, seen = on_the_way(path, epoch), EPOCH * epoch
            store(run, early, test, images_seen=seen, final=False)
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
        if zoo_kind(run) in zoo.KINDS
        and run.train_images == EPOCH
        and (run.latent_dim == 16 or zoo_kind(run) in PAIR)
        and (run.seed == 0 or (run.plain and run.seed in SEEDS))
    ]


def store(run: Run, path: Path, test: data.Split, **how: object) -> None:
    """Write the zoo's file of one trained model."""
    model = build(run)
    model.load_state_dict(load_file(path))
    told = test.labels if KINDS[run.kind].told else None
    terms = train.evaluate(model, loss_of(run), test.images, labels=told)
    metadata = {
        "kind": zoo_kind(run),
        "latent_dim": run.latent_dim,
        "beta": run.beta,
        "seed": run.seed,
        **how,
        "test_nats": {
            name: nats for name, nats in terms.items() if name != "loss"
        },
    }
    save(model, zoo.FOLDER / zoo.file_name(metadata), metadata=metadata)


if __name__ == "__main__":
    main()
