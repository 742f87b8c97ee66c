"""Tables of other people, whatever file they come in, as rows of text under named columns."""
