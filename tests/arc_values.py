"""For each tunable of the ARC classifier another value than its default; shared by tests."""

from __future__ import annotations

WITHOUT_EFFECT = {"num_workers", "early_stop_patience"}
"""The second acts in the shard, which counts the epochs."""

OTHER = {
    "encoder_type": "context", "lr": 0.01, "batch_size": 8, "weight_decay": 0.1, "label_smoothing": 0.1,
    "embed_dim": 64, "use_scheduler": False, "use_cosine": True, "temperature": 20.0, "demo_agg": "mean",
    "width_mult": 0.5, "depth": 12, "mlp_hidden": 64, "use_coords": True, "ctx_d_model": 64, "ctx_n_head": 2,
    "ctx_pixel_layers": 3, "ctx_grid_layers": 3, "ctx_dropout": 0.3, "pool": "max", "diff_channels": False,
    "ctx_joint": False, "ctx_patch": 2, "epochs": 5, "seed": 3, "val_ratio": 0.3, "stratify": False,
    "color_permute": False, "random_demos": False, "dihedral": False, "class_balance": True, "grad_clip": 0.0,
    "warmup_epochs": 2.5, "bfloat16": True,
}  # fmt: skip
"""Another value than the default, for each tunable that has an effect."""
