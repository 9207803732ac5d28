"""The pages for people, one module each; all they show comes from the public API and stream."""
