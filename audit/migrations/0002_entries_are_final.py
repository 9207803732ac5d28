"""The database itself refuses to alter or delete an entry; only sealing may touch it, once."""

from django.db import migrations

POSTGRESQL = """
CREATE FUNCTION audit_entry_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.sequence IS NULL
       AND to_jsonb(NEW) - '{sequence,previous_hash,hash}'::text[]
         = to_jsonb(OLD) - '{sequence,previous_hash,hash}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit entries are final' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_entry_is_final BEFORE UPDATE OR DELETE ON audit_auditentry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_is_final();
"""
# Deletion is not refused there: Django's tests empty the tables. The chain tells of it.
SQLITE = """
CREATE TRIGGER audit_entry_is_final BEFORE UPDATE ON audit_auditentry WHEN OLD.sequence IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'audit entries are final'); END;
"""
UNDO = {
    "postgresql": [
        "DROP TRIGGER audit_entry_is_final ON audit_auditentry",
        "DROP FUNCTION audit_entry_is_final()",
    ],
    "sqlite": ["DROP TRIGGER audit_entry_is_final"],
}


def make(apps, schema_editor):
    statements = {"postgresql": POSTGRESQL, "sqlite": SQLITE}
    # No parameters: the text has its own per cents and braces.
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statements[schema_editor.connection.vendor])


def unmake(apps, schema_editor):
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(make, unmake)]
