"""Controls that know nothing of the platform: tables, dialogs, forms, filters, labels, buttons."""
