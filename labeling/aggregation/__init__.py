"""Pure rules that turn votes into labels; no Django here. ``estimators`` and ``retirement`` hold the registries."""
