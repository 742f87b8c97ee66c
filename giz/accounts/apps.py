from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "giz.accounts"
    label = "accounts"

    def ready(self) -> None:
        from giz.accounts import second_factor  # noqa: F401 - a receiver encrypts old secrets when they are used
        from giz.accounts.staff_site import guard_staff_site

        guard_staff_site()
