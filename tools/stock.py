"""Stock the zoo with models that the sweep has trained: `python tools/stock.py`.

Models of seed 0 for every latent dimension and beta, and, at two dimensions, of six seeds and of
six epochs. What the sweep has not trained yet is named and left out.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from sweep import EPOCHS_KEPT, WEIGHTS, Run, build, loss_of, stage_runs
from tqdm import tqdm

from aevae_lib import data, train, zoo

SEEDS = range(6)


def main() -> None:
    test = data.load("cpu").test.images
    zoo.FOLDER.mkdir(exist_ok=True)
    missing = []
    for run in tqdm(wanted(), unit=" model"):
        path = WEIGHTS / f"{run.name}.safetensors"
        if not path.exists():
            missing.append(run.name)
            continue
        store(run, path, test, images_seen=run.budget, final=True)
        if run.latent_dim == 2 and run.seed == 0 and run.beta == 1:
            for epoch in EPOCHS_KEPT:
                on_the_way = path.with_suffix(f".epoch{epoch}")
                store(run, on_the_way, test, images_seen=55_000 * epoch, final=False)
    print(f"Left out, since the sweep has not trained them: {', '.join(missing) or 'none'}.")
    size = sum(file.stat().st_size for file in zoo.FOLDER.iterdir())
    print(f"The zoo holds {len(zoo.catalogue())} models in {size / 1e6:.1f} MB.")


def wanted() -> list[Run]:
    """The runs whose models the zoo is to hold."""
    stages = [run for stage in "ABC" for run in stage_runs(stage)]
    return [
        run
        for run in stages
        if run.kind in ("ae", "vae")
        and run.train_images == 55_000
        and run.only_class is None
        and (run.seed == 0 or (run.latent_dim == 2 and run.beta == 1 and run.seed in SEEDS))
    ]


def store(run: Run, path: Path, test: torch.Tensor, **how: object) -> None:
    """Write the zoo's file of one trained model."""
    model = build(run)
    model.load_state_dict(load_file(path))
    terms = train.evaluate(model, loss_of(run), test)
    metadata = {
        "kind": run.kind, "latent_dim": run.latent_dim, "beta": run.beta, "seed": run.seed, **how,
        "test_nats": {name: nats for name, nats in terms.items() if name != "loss"},
    }  # fmt: skip
    zoo.save(model, zoo.FOLDER / zoo.file_name(metadata), metadata=metadata)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
