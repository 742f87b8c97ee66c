"""Pure + HTTP: one client a survey, names and catalogues to dataclasses. Knows no Django."""
