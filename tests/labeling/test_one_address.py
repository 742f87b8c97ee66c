"""A school behind one address: forty people vote at the pace of people, and none is told to wait."""

from __future__ import annotations

import pytest

from tests.labeling.sky import client_of, lease, make_campaign, make_volunteer, post, vote_body

pytestmark = pytest.mark.django_db


@pytest.mark.finding("abuse A26", "security S17")
def test_forty_people_behind_one_address_vote_and_nobody_is_refused() -> None:
    make_campaign(targets=4, overlap=40)
    people = [client_of(make_volunteer(number)) for number in range(40)]
    statuses = []
    for person in people:
        person.defaults["REMOTE_ADDR"] = "198.51.100.7"
        for _ in range(3):
            task = lease(person)
            statuses.append(post(person, "votes/", vote_body(task["id"])).status_code)
            statuses.append(person.get("/api/v1/me/").status_code)
    assert set(statuses) == {200, 201}
    assert statuses.count(201) == 120
