"""What a person's browser keeps over its pages, until the server has it."""

from __future__ import annotations

from typing import Any

from support.person import Person

__all__ = ["asked", "drafts"]


def asked(person: Person) -> list[str]:
    """Return the comments that were written and not answered for."""
    kept: list[str] = person.page.evaluate(
        """() => Object.keys(localStorage).filter(key => key.startsWith('rtc_widgets:asked:'))
            .map(key => JSON.parse(localStorage.getItem(key)).params.body)"""
    )
    return kept


def drafts(person: Person) -> list[Any]:
    """Return the texts of each draft of a document."""
    found: list[Any] = person.page.evaluate(
        """() => new Promise((resolve, reject) => {
            const opening = indexedDB.open('rtc_widgets');
            opening.onerror = reject;
            opening.onsuccess = () => {
                const database = opening.result;
                if (!database.objectStoreNames.contains('drafts')) return resolve([]);
                const reading = database.transaction('drafts').objectStore('drafts').getAll();
                reading.onerror = reject;
                reading.onsuccess = () => {
                    database.close();
                    resolve(reading.result.map(draft => draft.texts));
                };
            };
        })"""
    )
    return found
