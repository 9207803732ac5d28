// Texts with values in them. The texts themselves come from gettext() and ngettext() of texts.js.

// filled("%(count)s rows", {count: 3}) is "3 rows".
export const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
