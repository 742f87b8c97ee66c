"""Pure rules that turn votes into labels; no Django here."""
