from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "giz.accounts"
    label = "accounts"
