from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "giz.accounts"
    label = "accounts"

    def ready(self) -> None:
        from giz.accounts.staff_site import guard_staff_site

        guard_staff_site()
