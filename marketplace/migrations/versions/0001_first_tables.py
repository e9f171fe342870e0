"""The first tables"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import marketplace.db
import marketplace.sealed
from marketplace.migrations import triggers


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('aid_month',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('month', sqlmodel.sql.sqltypes.AutoString(length=7), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('rows', sa.JSON(), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('published_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('published_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_month')),
    sa.UniqueConstraint('month', 'version', name=op.f('uq_aid_month_month_version'))
    )
    op.create_table('aid_source',
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('seen_from', sa.Date(), nullable=False),
    sa.Column('loaded_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('source', name=op.f('pk_aid_source'))
    )
    op.create_table('assessment',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('purpose', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('recipient_kind', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('data_fields', sa.JSON(), nullable=False),
    sa.Column('necessity', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('risks', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('measures', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('state', sa.Enum('draft', 'approved', 'replaced', 'withdrawn', name='assessmentstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('written_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('written_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('written_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('approved_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('approved_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('valid_to', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("approved_by = '' OR approved_by NOT IN (written_by, written_for)", name=op.f('ck_assessment_two_people')),
    sa.CheckConstraint("state <> 'approved' OR (approved_by <> '' AND approved_at IS NOT NULL)", name=op.f('ck_assessment_approved')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assessment'))
    )
    with op.batch_alter_table('assessment', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_assessment_purpose'), ['purpose'], unique=False)
        batch_op.create_index(batch_op.f('ix_assessment_state'), ['state'], unique=False)
        batch_op.create_index('uq_assessment_standing', ['purpose', 'recipient_kind'], unique=True, sqlite_where=sa.text("state = 'approved'"), postgresql_where=sa.text("state = 'approved'"))

    op.create_table('audit_alarm',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('witness', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_alarm'))
    )
    with op.batch_alter_table('audit_alarm', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_alarm_at'), ['at'], unique=False)

    op.create_table('audit_checkpoint',
    sa.Column('size', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('root', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.CheckConstraint('size > 0', name=op.f('ck_audit_checkpoint_size')),
    sa.PrimaryKeyConstraint('size', name=op.f('pk_audit_checkpoint'))
    )
    with op.batch_alter_table('audit_checkpoint', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_checkpoint_at'), ['at'], unique=False)

    op.create_table('audit_head',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_head'))
    )
    op.create_table('audit_node',
    sa.Column('level', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('place', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('level', 'place', name=op.f('pk_audit_node'))
    )
    op.create_table('audit_row',
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('actor_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('actor_role', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('action', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('object_ref', sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
    sa.Column('subject_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('purpose', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decision', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('rule_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('fields', sa.Text(), nullable=False),
    sa.Column('consent_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('request_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('body_commit', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('prev', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_audit_row'))
    )
    with op.batch_alter_table('audit_row', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_row_action'), ['action'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_row_actor_ref'), ['actor_ref'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_row_object_ref'), ['object_ref'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_row_subject_ref'), ['subject_ref'], unique=False)

    op.create_table('board_count',
    sa.Column('measure', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('street_code', sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
    sa.Column('households', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('measure', 'district_code', 'street_code', name=op.f('pk_board_count'))
    )
    op.create_table('board_counting',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('counted_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('audit_seq', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_board_counting'))
    )
    op.create_table('board_day',
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('measure', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('households', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('on', 'measure', 'district_code', name=op.f('pk_board_day'))
    )
    op.create_table('city_shape',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('kind', sa.Enum('place', 'barrier', 'outline', name='shapekind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('shape', sa.JSON(), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('brought_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(kind = 'barrier') = (minutes > 0)", name=op.f('ck_city_shape_minutes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_city_shape'))
    )
    op.create_table('demand_snapshot',
    sa.Column('week_on', sa.Date(), nullable=False),
    sa.Column('cells', sa.JSON(), nullable=False),
    sa.Column('taken_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('week_on', name=op.f('pk_demand_snapshot'))
    )
    op.create_table('department_feed',
    sa.Column('department', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('cursor', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('pulled_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('department', name=op.f('pk_department_feed'))
    )
    op.create_table('feed_delivery',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('feed', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('digest', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('as_of_day', sa.Integer(), nullable=False),
    sa.Column('new', sa.Integer(), nullable=False),
    sa.Column('changed', sa.Integer(), nullable=False),
    sa.Column('same', sa.Integer(), nullable=False),
    sa.Column('older', sa.Integer(), nullable=False),
    sa.Column('strangers', sa.Integer(), nullable=False),
    sa.Column('held', sa.Integer(), nullable=False),
    sa.Column('received_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_feed_delivery'))
    )
    with op.batch_alter_table('feed_delivery', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_feed_delivery_received_at'), ['received_at'], unique=False)
        batch_op.create_index('uq_feed_delivery', ['feed', 'digest'], unique=True)

    op.create_table('feed_state',
    sa.Column('feed', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('cursor', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
    sa.Column('first_day', sa.Integer(), nullable=False),
    sa.Column('as_of_day', sa.Integer(), nullable=False),
    sa.Column('received_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('asked_person', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.PrimaryKeyConstraint('feed', name=op.f('pk_feed_state'))
    )
    op.create_table('feed_stranger',
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('source_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('tried_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_feed_stranger')),
    sa.UniqueConstraint('source_index', name=op.f('uq_feed_stranger_source_index'))
    )
    with op.batch_alter_table('feed_stranger', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_feed_stranger_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_feed_stranger_source'), ['source'], unique=False)
        batch_op.create_index(batch_op.f('ix_feed_stranger_tried_at'), ['tried_at'], unique=False)

    op.create_table('household',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('source_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('street_code', sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
    sa.Column('village_code', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('overruled_street', sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('urban', sa.Boolean(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('size >= 0', name=op.f('ck_household_size')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_household')),
    sa.UniqueConstraint('source_index', name=op.f('uq_household_source_index'))
    )
    with op.batch_alter_table('household', schema=None) as batch_op:
        batch_op.create_index('ix_household_place', ['district_code', 'street_code', 'id'], unique=False)

    op.create_table('incident',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('recipient_org_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('actor_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('from_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('to_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('what', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('operator_kind', sa.Enum('critical', 'state', 'other', name='operatorkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('found_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('authority_due_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('people_due_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('authority_told_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('closed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('opened_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.CheckConstraint('to_at > from_at', name=op.f('ck_incident_period')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_incident'))
    )
    with op.batch_alter_table('incident', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_incident_recipient_org_id'), ['recipient_org_id'], unique=False)

    op.create_table('job',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'working', 'done', 'failed', name='jobstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('run_after', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('leased_until', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('error_code', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job'))
    )
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_job_run_after'), ['run_after'], unique=False)
        batch_op.create_index(batch_op.f('ix_job_state'), ['state'], unique=False)

    op.create_table('need_standing',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('unverified', 'held', 'verified', 'refused', 'closed', name='needstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('gap_units', sa.BigInteger(), nullable=False),
    sa.Column('committed_units', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_need_standing'))
    )
    with op.batch_alter_table('need_standing', schema=None) as batch_op:
        batch_op.create_index('ix_need_standing_then', ['need_id', 'at', 'seq'], unique=False)

    op.create_table('organisation',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('kind', sa.Enum('charity', 'foundation', 'trust', 'enterprise', 'volunteers', 'social_work', 'legal_aid', 'insurer', name='organisationkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('credit_code', sqlmodel.sql.sqltypes.AutoString(length=18), nullable=False),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('contact', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('on_call_contact', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('state', sa.Enum('applied', 'active', 'suspended', 'refused', name='organisationstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state_reason', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('contract_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('contract_from', sa.Date(), nullable=True),
    sa.Column('contract_to', sa.Date(), nullable=True),
    sa.Column('purposes', sa.JSON(), nullable=False),
    sa.Column('yearly_budget_fen', sa.BigInteger(), nullable=True),
    sa.Column('income_fen', sa.BigInteger(), nullable=True),
    sa.Column('income_year', sa.Integer(), nullable=True),
    sa.Column('trustee', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('supervisor', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('filing_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('income_fen IS NULL OR (income_fen >= 0 AND income_year IS NOT NULL)', name=op.f('ck_organisation_income')),
    sa.CheckConstraint('part >= 0', name=op.f('ck_organisation_part')),
    sa.CheckConstraint('yearly_budget_fen IS NULL OR yearly_budget_fen >= 0', name=op.f('ck_organisation_budget')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation')),
    sa.UniqueConstraint('credit_code', 'part', name='uq_organisation_credit_code')
    )
    with op.batch_alter_table('organisation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_organisation_contract_to'), ['contract_to'], unique=False)

    op.create_table('overlap_rule',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('terms', sa.JSON(), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('state', sa.Enum('draft', 'active', 'refused', 'ended', name='rulestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('drafted_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('drafted_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("decided_by = '' OR decided_by <> drafted_by", name=op.f('ck_overlap_rule_two_people')),
    sa.CheckConstraint('valid_to IS NULL OR valid_to >= valid_from', name=op.f('ck_overlap_rule_dates')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_overlap_rule'))
    )
    with op.batch_alter_table('overlap_rule', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_overlap_rule_code'), ['code'], unique=False)
        batch_op.create_index(batch_op.f('ix_overlap_rule_state'), ['state'], unique=False)
        batch_op.create_index('uq_overlap_rule_draft', ['code', 'district_code'], unique=True, sqlite_where=sa.text("state = 'draft'"), postgresql_where=sa.text("state = 'draft'"))

    op.create_table('own_day',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('works', sa.Boolean(), nullable=False),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('state', sa.Enum('draft', 'active', 'refused', 'ended', name='daystate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('drafted_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('drafted_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('moved', sa.Integer(), nullable=False),
    sa.CheckConstraint("decided_by = '' OR decided_by <> drafted_by", name=op.f('ck_own_day_two_people')),
    sa.CheckConstraint("source <> ''", name=op.f('ck_own_day_source')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_own_day'))
    )
    with op.batch_alter_table('own_day', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_own_day_state'), ['state'], unique=False)
        batch_op.create_index('uq_own_day_active', ['day', 'district_code'], unique=True, sqlite_where=sa.text("state = 'active'"), postgresql_where=sa.text("state = 'active'"))
        batch_op.create_index('uq_own_day_draft', ['day', 'district_code'], unique=True, sqlite_where=sa.text("state = 'draft'"), postgresql_where=sa.text("state = 'draft'"))

    op.create_table('passkey_challenge',
    sa.Column('session_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('purpose', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('nonce', sa.LargeBinary(), nullable=False),
    sa.Column('expires_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('session_hash', name=op.f('pk_passkey_challenge'))
    )
    op.create_table('payment_feed',
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('cursor', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('pulled_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('source', name=op.f('pk_payment_feed'))
    )
    op.create_table('person_key',
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_person_key'))
    )
    op.create_table('rate_count',
    sa.Column('key', sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
    sa.Column('window_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('strikes', sa.Integer(), nullable=False),
    sa.Column('locked_until', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_rate_count'))
    )
    op.create_table('register_export',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('purpose', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('state', sa.Enum('asked', 'agreed', 'refused', 'taken', name='exportstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('taken_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('row_count', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_register_export'))
    )
    with op.batch_alter_table('register_export', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_register_export_asked_at'), ['asked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_register_export_district_code'), ['district_code'], unique=False)

    op.create_table('registry_feed',
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('cursor', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('pulled_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('source', name=op.f('pk_registry_feed'))
    )
    op.create_table('registry_report',
    sa.Column('object_ref', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('state', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('error_code', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('sent_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('object_ref', name=op.f('pk_registry_report'))
    )
    with op.batch_alter_table('registry_report', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_registry_report_source'), ['source'], unique=False)

    op.create_table('rule_sweep',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('whole', sa.Boolean(), nullable=False),
    sa.Column('last_fact', sa.BigInteger(), nullable=False),
    sa.Column('met', sa.Integer(), nullable=False),
    sa.Column('raised', sa.Integer(), nullable=False),
    sa.Column('failed', sa.JSON(), nullable=False),
    sa.Column('began_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rule_sweep'))
    )
    with op.batch_alter_table('rule_sweep', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_rule_sweep_began_at'), ['began_at'], unique=False)

    op.create_table('run',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'working', 'done', 'cancelled', 'infeasible', 'failed', name='runstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('scope', sa.JSON(), nullable=False),
    sa.Column('policy', sa.JSON(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('phase', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('phase_done', sa.Integer(), nullable=False),
    sa.Column('phase_total', sa.Integer(), nullable=False),
    sa.Column('score', sa.BigInteger(), nullable=False),
    sa.Column('bound', sa.BigInteger(), nullable=False),
    sa.Column('cancel_asked', sa.Boolean(), nullable=False),
    sa.Column('needs_count', sa.Integer(), nullable=False),
    sa.Column('offers_count', sa.Integer(), nullable=False),
    sa.Column('lines_count', sa.Integer(), nullable=False),
    sa.Column('zero_count', sa.Integer(), nullable=False),
    sa.Column('aid_seen_from', sa.JSON(), nullable=False),
    sa.Column('input_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('plan_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('certificate', sa.JSON(), nullable=False),
    sa.Column('fairness', sa.JSON(), nullable=False),
    sa.Column('error_code', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('created_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('started_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('finished_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_run')),
    sa.UniqueConstraint('number', name=op.f('uq_run_number'))
    )
    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_run_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_run_state'), ['state'], unique=False)

    op.create_table('sign_in_code',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('phone_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('used', sa.Boolean(), nullable=False),
    sa.Column('expires_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('reaches', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_code'))
    )
    with op.batch_alter_table('sign_in_code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sign_in_code_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_sign_in_code_phone_index'), ['phone_index'], unique=False)

    op.create_table('task_feed',
    sa.Column('department', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('cursor', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('pulled_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('department', name=op.f('pk_task_feed'))
    )
    op.create_table('used_token',
    sa.Column('digest', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('expires_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_used_token'))
    )
    with op.batch_alter_table('used_token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_used_token_expires_at'), ['expires_at'], unique=False)

    op.create_table('warning_rule',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('NEED', 'ELIGIBILITY', 'INTEGRITY', 'DATA', 'PROCESS', name='ruleclass', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('per', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('colour', sa.Enum('RED', 'ORANGE', 'YELLOW', 'BLUE', name='colour', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('text', sqlmodel.sql.sqltypes.AutoString(length=600), nullable=False),
    sa.Column('thresholds', sa.JSON(), nullable=False),
    sa.Column('quiet_days', sa.Integer(), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('mark', sqlmodel.sql.sqltypes.AutoString(length=4), nullable=False),
    sa.Column('follow_up', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('state', sa.Enum('draft', 'tried', 'active', 'retired', name='rulestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('drafted_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('tried_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('activated_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("activated_by = '' OR (activated_by <> drafted_by AND activated_by <> tried_by)", name=op.f('ck_warning_rule_second_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_warning_rule'))
    )
    with op.batch_alter_table('warning_rule', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_warning_rule_state'), ['state'], unique=False)
        batch_op.create_index('uq_warning_rule_active', ['code'], unique=True, sqlite_where=sa.text("state = 'active'"), postgresql_where=sa.text("state = 'active'"))
        batch_op.create_index('uq_warning_rule_version', ['code', 'version'], unique=True)

    op.create_table('account',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('login', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('display_name', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('role', sa.Enum('household', 'helper', 'worker', 'verifier', 'approver', 'protection_officer', 'charity_worker', 'charity_manager', 'insurer', 'giver_admin', 'auditor', 'security_admin', 'operator', 'service', 'public', name='role', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('districts', sa.JSON(), nullable=False),
    sa.Column('streets', sa.JSON(), nullable=False),
    sa.Column('password_hash', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_account_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('login', name=op.f('uq_account_login'))
    )
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_account_org_id'), ['org_id'], unique=False)

    op.create_table('agreement',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('number', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=False),
    sa.Column('purposes', sa.JSON(), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'dated', 'approved', 'refused', name='agreementstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('proposed_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('proposed_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name=op.f('ck_agreement_decided')),
    sa.CheckConstraint('decided_by IS NULL OR decided_by <> proposed_by', name=op.f('ck_agreement_two_people')),
    sa.CheckConstraint('valid_to > valid_from', name=op.f('ck_agreement_term')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_agreement_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agreement'))
    )
    with op.batch_alter_table('agreement', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_agreement_org_id'), ['org_id'], unique=False)
        batch_op.create_index('uq_agreement_proposed', ['org_id'], unique=True, sqlite_where=sa.text("state = 'proposed'"), postgresql_where=sa.text("state = 'proposed'"))

    op.create_table('aid_report',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('reference', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('units', sa.BigInteger(), nullable=False),
    sa.Column('given_on', sa.Date(), nullable=False),
    sa.Column('door', sa.Enum('api', 'file', 'page', name='reportdoor', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state', sa.Enum('placed', 'look', 'aside', name='reportstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=True),
    sa.Column('reported_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('tried_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("payload IS NULL OR state = 'look'", name=op.f('ck_aid_report_payload')),
    sa.CheckConstraint('units > 0', name=op.f('ck_aid_report_units')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_aid_report_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_report')),
    sa.UniqueConstraint('org_id', 'reference', name=op.f('uq_aid_report_org_id_reference'))
    )
    with op.batch_alter_table('aid_report', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_aid_report_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_report_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_report_state'), ['state'], unique=False)

    op.create_table('alert_home',
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('under', sa.Integer(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('street_code', sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
    sa.Column('alerts', sa.Integer(), nullable=False),
    sa.Column('since', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('score', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_alert_home_household_id')),
    sa.PrimaryKeyConstraint('household_id', 'under', name=op.f('pk_alert_home'))
    )
    with op.batch_alter_table('alert_home', schema=None) as batch_op:
        batch_op.create_index('ix_alert_home_city', ['under', 'rank', 'since', 'household_id'], unique=False)
        batch_op.create_index('ix_alert_home_place', ['under', 'district_code', 'street_code', 'rank', 'since', 'household_id'], unique=False)
        batch_op.create_index('ix_alert_home_score', ['under', 'score', 'since', 'household_id'], unique=False)

    op.create_table('api_client',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('title', sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('webhook_url', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('state', sa.Enum('asked', 'active', 'suspended', 'refused', name='clientstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('requested_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('requested_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('first_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('second_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state NOT IN ('active', 'suspended') OR second_by IS NOT NULL", name=op.f('ck_api_client_approved')),
    sa.CheckConstraint('requested_by <> first_by AND requested_by <> second_by', name=op.f('ck_api_client_not_its_own')),
    sa.CheckConstraint('second_by IS NULL OR (first_by IS NOT NULL AND second_by <> first_by)', name=op.f('ck_api_client_two_people')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_api_client_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_client'))
    )
    with op.batch_alter_table('api_client', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_client_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_api_client_state'), ['state'], unique=False)

    op.create_table('appeal',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('kind', sa.Enum('appeal', 'complaint', 'favours', name='appealkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state', sa.Enum('open', 'upheld', 'rejected', 'answered', 'withdrawn', name='appealstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('object_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('office', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('seconded_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('seconded_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('words', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('answer', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('code_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('complainant', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('raised_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('raised_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('due_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('answered_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('answered_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state IN ('open', 'withdrawn')) = (answered_at IS NULL)", name=op.f('ck_appeal_answered')),
    sa.CheckConstraint("answered_by = '' OR answered_by NOT IN (decided_by, decided_for, seconded_by, seconded_for)", name=op.f('ck_appeal_another')),
    sa.CheckConstraint("kind <> 'appeal' OR object_ref <> ''", name=op.f('ck_appeal_about')),
    sa.CheckConstraint("kind = 'favours' OR household_id IS NOT NULL", name=op.f('ck_appeal_household')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_appeal_household_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appeal'))
    )
    with op.batch_alter_table('appeal', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_appeal_code_index'), ['code_index'], unique=False)
        batch_op.create_index(batch_op.f('ix_appeal_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_appeal_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_appeal_object_ref'), ['object_ref'], unique=False)
        batch_op.create_index(batch_op.f('ix_appeal_state'), ['state'], unique=False)
        batch_op.create_index('uq_appeal_open', ['household_id', 'kind', 'object_ref', 'complainant'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('audit_body',
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('salt', sa.LargeBinary(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['seq'], ['audit_row.seq'], name=op.f('fk_audit_body_seq')),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_audit_body'))
    )
    op.create_table('audit_cosignature',
    sa.Column('size', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('witness', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('line', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['size'], ['audit_checkpoint.size'], name=op.f('fk_audit_cosignature_size')),
    sa.PrimaryKeyConstraint('size', 'witness', name=op.f('pk_audit_cosignature'))
    )
    with op.batch_alter_table('audit_cosignature', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_cosignature_at'), ['at'], unique=False)

    op.create_table('by_hand',
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('since_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_by_hand_household_id')),
    sa.PrimaryKeyConstraint('household_id', name=op.f('pk_by_hand'))
    )
    op.create_table('consent_head',
    sa.Column('chain_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('purpose', sa.Enum('AUTO_MATCH', 'MED_AID', 'EDU_AID', 'CARE_SERVICE', 'GOODS', 'HOUSING', 'JOB', 'INSURE_ENROL', 'INSURE_CLAIM', 'INSURE_CLAIM_QUERY', 'LEGAL_HELP', 'EMERGENCY_HELP', 'DONOR_FEEDBACK', 'PUBLICITY', 'REFERRAL', 'PAYMENT', name='purpose', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('recipient_org_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('pending_check', 'active', 'paused', 'revoked', 'refused', 'expired', 'superseded', 'rejected', 'void', name='consentstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('valid_from', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('valid_to', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('reminded_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_consent_head_household_id')),
    sa.PrimaryKeyConstraint('chain_id', name=op.f('pk_consent_head'))
    )
    with op.batch_alter_table('consent_head', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_head_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_consent_head_purpose'), ['purpose'], unique=False)
        batch_op.create_index(batch_op.f('ix_consent_head_recipient_org_id'), ['recipient_org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_consent_head_state'), ['state'], unique=False)
        batch_op.create_index('uq_consent_head_live', ['household_id', 'purpose', 'recipient_org_id', 'match_id'], unique=True, sqlite_where=sa.text("state IN ('active', 'paused')"), postgresql_where=sa.text("state IN ('active', 'paused')"))
        batch_op.create_index('uq_consent_head_waiting', ['household_id', 'purpose', 'recipient_org_id', 'match_id'], unique=True, sqlite_where=sa.text("state = 'pending_check'"), postgresql_where=sa.text("state = 'pending_check'"))

    op.create_table('consent_receipt',
    sa.Column('chain_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('event', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('made_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('jws', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_consent_receipt_household_id')),
    sa.PrimaryKeyConstraint('chain_id', 'version', name=op.f('pk_consent_receipt'))
    )
    with op.batch_alter_table('consent_receipt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_receipt_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_consent_receipt_sha256'), ['sha256'], unique=False)

    op.create_table('declared_fact',
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('day', sa.Integer(), nullable=False),
    sa.Column('declared_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount >= 0 AND amount < 1000000000000', name=op.f('ck_declared_fact_amount')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_declared_fact_household_id')),
    sa.PrimaryKeyConstraint('household_id', 'kind', name=op.f('pk_declared_fact'))
    )
    op.create_table('deletion_order',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('consent_chain_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('data_fields', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('disclosures', sa.Integer(), nullable=False),
    sa.Column('ordered_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('due_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('attested_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('attested_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.CheckConstraint("(attested_at IS NULL) = (attested_by = '')", name=op.f('ck_deletion_order_attested')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_deletion_order_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deletion_order')),
    sa.UniqueConstraint('consent_chain_id', 'data_fields', name=op.f('uq_deletion_order_consent_chain_id_data_fields'))
    )
    with op.batch_alter_table('deletion_order', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_deletion_order_due_at'), ['due_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_deletion_order_org_id'), ['org_id'], unique=False)

    op.create_table('file_layout',
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('columns', sa.JSON(), nullable=False),
    sa.Column('changed_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('changed_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_file_layout_org_id')),
    sa.PrimaryKeyConstraint('org_id', name=op.f('pk_file_layout'))
    )
    op.create_table('gift_question',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('run_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('week_on', sa.Date(), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked', sa.JSON(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'done', 'too_few', 'failed', name='giftstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('answer', sa.JSON(), nullable=False),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('answered_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_gift_question_org_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_gift_question_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gift_question')),
    sa.UniqueConstraint('org_id', 'week_on', 'sha256', name=op.f('uq_gift_question_org_id_week_on_sha256'))
    )
    with op.batch_alter_table('gift_question', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_gift_question_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_gift_question_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_gift_question_week_on'), ['week_on'], unique=False)

    op.create_table('held_row',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('delivery_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('feed', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('source_key', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('faults', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('cells', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.Enum('held', 'mended', 'dropped', name='heldstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('held_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('settled_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['feed_delivery.id'], name=op.f('fk_held_row_delivery_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_held_row'))
    )
    with op.batch_alter_table('held_row', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_held_row_delivery_id'), ['delivery_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_held_row_source_key'), ['source_key'], unique=False)
        batch_op.create_index('ix_held_row_state', ['state', 'feed', 'held_at'], unique=False)

    op.create_table('import_batch',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('kind', sa.Enum('needs', 'offers', 'aid', 'claims', 'volunteers', 'related', 'payments', 'deliveries', 'answers', 'given', 'papers', 'people', 'visits', 'meetings', name='importkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('file_name', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('file_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('state', sa.Enum('checked', 'confirmed', 'dropped', name='importstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=True),
    sa.Column('created_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('done_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_import_batch_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_batch'))
    )
    with op.batch_alter_table('import_batch', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_import_batch_file_sha256'), ['file_sha256'], unique=False)

    op.create_table('incident_household',
    sa.Column('incident_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('looks', sa.Integer(), nullable=False),
    sa.Column('last_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('told_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_incident_household_household_id')),
    sa.ForeignKeyConstraint(['incident_id'], ['incident.id'], name=op.f('fk_incident_household_incident_id')),
    sa.PrimaryKeyConstraint('incident_id', 'household_id', name=op.f('pk_incident_household'))
    )
    with op.batch_alter_table('incident_household', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_incident_household_household_id'), ['household_id'], unique=False)

    op.create_table('issued_credential',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('consent_chain_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('consent_version', sa.Integer(), nullable=False),
    sa.Column('recipient_org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('purpose', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('data_fields', sa.JSON(), nullable=False),
    sa.Column('list_no', sa.Integer(), nullable=False),
    sa.Column('status_idx', sa.Integer(), nullable=False),
    sa.Column('kid', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('holder_kid', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('issued_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('suspended_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('held_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('audit_seq', sa.Integer(), nullable=False),
    sa.CheckConstraint('status_idx >= 0 AND status_idx < 131072', name=op.f('ck_issued_credential_place')),
    sa.ForeignKeyConstraint(['audit_seq'], ['audit_row.seq'], name=op.f('fk_issued_credential_audit_seq')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_issued_credential_household_id')),
    sa.ForeignKeyConstraint(['recipient_org_id'], ['organisation.id'], name=op.f('fk_issued_credential_recipient_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_issued_credential'))
    )
    with op.batch_alter_table('issued_credential', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_issued_credential_consent_chain_id'), ['consent_chain_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_issued_credential_holder_kid'), ['holder_kid'], unique=False)
        batch_op.create_index(batch_op.f('ix_issued_credential_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_issued_credential_list_no'), ['list_no'], unique=False)
        batch_op.create_index(batch_op.f('ix_issued_credential_recipient_org_id'), ['recipient_org_id'], unique=False)
        batch_op.create_index('uq_issued_credential_live', ['consent_chain_id'], unique=True, sqlite_where=sa.text('revoked_at IS NULL'), postgresql_where=sa.text('revoked_at IS NULL'))
        batch_op.create_index('uq_issued_credential_place', ['list_no', 'status_idx'], unique=True, sqlite_where=sa.text('list_no > 0'), postgresql_where=sa.text('list_no > 0'))

    op.create_table('kept_score',
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('points', sa.Integer(), nullable=False),
    sa.Column('facts', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('kept_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_kept_score_household_id')),
    sa.PrimaryKeyConstraint('household_id', name=op.f('pk_kept_score'))
    )
    with op.batch_alter_table('kept_score', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_kept_score_kept_on'), ['kept_on'], unique=False)

    op.create_table('meeting',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('run_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('state', sa.Enum('open', 'closed', name='meetingstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('row_count', sa.Integer(), nullable=False),
    sa.Column('sheet_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('called_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('called_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('closed_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('closed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_meeting_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meeting'))
    )
    with op.batch_alter_table('meeting', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_meeting_called_at'), ['called_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_meeting_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_meeting_run_id'), ['run_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_meeting_state'), ['state'], unique=False)
        batch_op.create_index('uq_meeting_open', ['district_code'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('need',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('source_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('source_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('unit', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('gap_units', sa.BigInteger(), nullable=False),
    sa.Column('committed_units', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('urgency', sa.Integer(), nullable=False),
    sa.Column('period', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('one_provider', sa.Boolean(), nullable=False),
    sa.Column('all_or_nothing', sa.Boolean(), nullable=False),
    sa.Column('tags', sa.JSON(), nullable=False),
    sa.Column('verification_level', sa.Integer(), nullable=False),
    sa.Column('evidence', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('verifier_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('verified_on', sa.Date(), nullable=True),
    sa.Column('referral_reason', sa.Enum('NOT_ELIGIBLE', 'STILL_IN_NEED', name='referralreason', native_enum=False, create_constraint=True, length=32), nullable=True),
    sa.Column('government_decision', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('referred_by_org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('state', sa.Enum('unverified', 'held', 'verified', 'refused', 'closed', name='needstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state_reason', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('brought_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('verifier_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('brought_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('content_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('committed_units >= 0 AND committed_units <= gap_units', name=op.f('ck_need_committed')),
    sa.CheckConstraint('gap_units > 0', name=op.f('ck_need_gap')),
    sa.CheckConstraint('urgency BETWEEN 0 AND 3', name=op.f('ck_need_urgency')),
    sa.CheckConstraint('verification_level BETWEEN 0 AND 4', name=op.f('ck_need_level')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_need_household_id')),
    sa.ForeignKeyConstraint(['referred_by_org_id'], ['organisation.id'], name=op.f('fk_need_referred_by_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_need')),
    sa.UniqueConstraint('source_index', name=op.f('uq_need_source_index'))
    )
    with op.batch_alter_table('need', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_need_category'), ['category'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_household_id'), ['household_id'], unique=False)
        batch_op.create_index('ix_need_newest', ['created_at', 'id', 'state', 'district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_source'), ['source'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_updated_at'), ['updated_at'], unique=False)
        batch_op.create_index('uq_need_household_category_period_cause', ['household_id', 'category', 'period', 'cause', 'person_id'], unique=True, sqlite_where=sa.text("state IN ('unverified', 'held', 'verified')"), postgresql_where=sa.text("state IN ('unverified', 'held', 'verified')"))

    op.create_table('offer',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('source_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('title', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('project', sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('unit', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('stock_units', sa.BigInteger(), nullable=False),
    sa.Column('committed_units', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('lot', sa.BigInteger(), nullable=False),
    sa.Column('min_per_need', sa.BigInteger(), nullable=False),
    sa.Column('max_per_need', sa.BigInteger(), nullable=True),
    sa.Column('max_per_household', sa.BigInteger(), nullable=True),
    sa.Column('districts', sa.JSON(), nullable=False),
    sa.Column('tags_any', sa.JSON(), nullable=False),
    sa.Column('tags_all', sa.JSON(), nullable=False),
    sa.Column('tags_none', sa.JSON(), nullable=False),
    sa.Column('min_urgency', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('unit_cost_fen', sa.BigInteger(), nullable=False),
    sa.Column('acceptance', sa.Enum('standing', 'each', name='acceptance', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('donor_purpose', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('donor_districts', sa.JSON(), nullable=False),
    sa.Column('donor_tags', sa.JSON(), nullable=False),
    sa.Column('confirm_by', sa.Date(), nullable=True),
    sa.Column('reminded', sa.Boolean(), nullable=False),
    sa.Column('reference', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('standard', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('steps', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('rules', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('state', sa.Enum('open', 'held', 'paused', 'expired', 'closed', name='offerstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state_reason', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('expired_from', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('content_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('committed_units >= 0 AND committed_units <= stock_units', name=op.f('ck_offer_committed')),
    sa.CheckConstraint('lot >= 1', name=op.f('ck_offer_lot')),
    sa.CheckConstraint('min_per_need >= 0', name=op.f('ck_offer_least')),
    sa.CheckConstraint('stock_units >= 0', name=op.f('ck_offer_stock')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_offer_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offer')),
    sa.UniqueConstraint('source_index', name=op.f('uq_offer_source_index'))
    )
    with op.batch_alter_table('offer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_offer_category'), ['category'], unique=False)
        batch_op.create_index(batch_op.f('ix_offer_confirm_by'), ['confirm_by'], unique=False)
        batch_op.create_index('ix_offer_newest', ['created_at', 'id', 'state', 'org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_offer_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_offer_state'), ['state'], unique=False)

    op.create_table('organisation_alias',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('key', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('own', sa.Boolean(), nullable=False),
    sa.Column('added_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('added_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_organisation_alias_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation_alias')),
    sa.UniqueConstraint('key', name=op.f('uq_organisation_alias_key'))
    )
    with op.batch_alter_table('organisation_alias', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_organisation_alias_org_id'), ['org_id'], unique=False)

    op.create_table('organisation_pair',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('one_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('two_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('said', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('facts', sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
    sa.Column('state', sa.Enum('open', 'same', 'part', 'different', name='pairstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('whole_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('raised_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(state = 'part') = (whole_id IS NOT NULL)", name=op.f('ck_organisation_pair_whole')),
    sa.CheckConstraint('minutes >= 0', name=op.f('ck_organisation_pair_minutes')),
    sa.CheckConstraint('one_id < two_id', name=op.f('ck_organisation_pair_order')),
    sa.ForeignKeyConstraint(['one_id'], ['organisation.id'], name=op.f('fk_organisation_pair_one_id')),
    sa.ForeignKeyConstraint(['two_id'], ['organisation.id'], name=op.f('fk_organisation_pair_two_id')),
    sa.ForeignKeyConstraint(['whole_id'], ['organisation.id'], name=op.f('fk_organisation_pair_whole_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation_pair')),
    sa.UniqueConstraint('one_id', 'two_id', name='uq_organisation_pair')
    )
    with op.batch_alter_table('organisation_pair', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_organisation_pair_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_organisation_pair_two_id'), ['two_id'], unique=False)

    op.create_table('own_account',
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('account_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('last_four', sqlmodel.sql.sqltypes.AutoString(length=4), nullable=False),
    sa.Column('staff', sa.Boolean(), nullable=False),
    sa.Column('added_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('added_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_own_account_org_id')),
    sa.PrimaryKeyConstraint('org_id', 'account_index', name=op.f('pk_own_account'))
    )
    op.create_table('payment_batch',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('month', sqlmodel.sql.sqltypes.AutoString(length=7), nullable=False),
    sa.Column('state', sa.Enum('draft', 'released', 'sent', 'dropped', name='batchstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('fingerprint', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('prepared_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('prepared_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('prepared_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('released_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('released_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('released_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('sent_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state NOT IN ('released', 'sent') OR released_by IS NOT NULL", name=op.f('ck_payment_batch_released')),
    sa.CheckConstraint('released_by IS NULL OR released_by NOT IN (prepared_by, prepared_for)', name=op.f('ck_payment_batch_two_people')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_payment_batch_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_batch'))
    )
    with op.batch_alter_table('payment_batch', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payment_batch_month'), ['month'], unique=False)
        batch_op.create_index(batch_op.f('ix_payment_batch_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_payment_batch_prepared_at'), ['prepared_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_payment_batch_state'), ['state'], unique=False)
        batch_op.create_index('uq_payment_batch_number', ['org_id', 'number'], unique=True, sqlite_where=sa.text('number > 0'), postgresql_where=sa.text('number > 0'))

    op.create_table('payment_month',
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('month', sqlmodel.sql.sqltypes.AutoString(length=7), nullable=False),
    sa.Column('opened_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('opened_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('carried_lines', sa.Integer(), nullable=False),
    sa.Column('carried_fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('closed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('figures', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_payment_month_org_id')),
    sa.PrimaryKeyConstraint('org_id', 'month', name=op.f('pk_payment_month'))
    )
    op.create_table('person',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('relation', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('contact', sa.Boolean(), nullable=False),
    sa.Column('sex', sa.Enum('female', 'male', 'unknown', name='sex', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('birth_year', sa.Integer(), nullable=True),
    sa.Column('left_on', sa.Date(), nullable=True),
    sa.Column('name', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('phone', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('id_number', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('address', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('birth_date', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('payee_account', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('health', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('id_number_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('phone_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('name_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('compared_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_person_household_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person')),
    sa.UniqueConstraint('id_number_index', name=op.f('uq_person_id_number_index'))
    )
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_person_compared_at'), ['compared_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_person_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_person_phone_index'), ['phone_index'], unique=False)

    op.create_table('project',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('title', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('emergency_from_on', sa.Date(), nullable=True),
    sa.Column('emergency_to_on', sa.Date(), nullable=True),
    sa.Column('emergency_ref', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('created_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(emergency_from_on IS NULL) = (emergency_ref = '')", name=op.f('ck_project_emergency_ref')),
    sa.CheckConstraint('emergency_to_on IS NULL OR emergency_to_on >= emergency_from_on', name=op.f('ck_project_emergency')),
    sa.CheckConstraint('ends_on IS NULL OR ends_on > starts_on', name=op.f('ck_project_days')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_project_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_project'))
    )
    with op.batch_alter_table('project', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_project_org_id'), ['org_id'], unique=False)

    op.create_table('read_count',
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('purpose', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.CheckConstraint('count >= 0', name=op.f('ck_read_count_count')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_read_count_org_id')),
    sa.PrimaryKeyConstraint('org_id', 'on', 'purpose', name=op.f('pk_read_count'))
    )
    op.create_table('related_person',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('reference', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('relation', sa.Enum('manager', 'donor', 'trustee', 'staff', name='relation', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('id_number_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('added_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('added_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_related_person_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_related_person')),
    sa.UniqueConstraint('org_id', 'reference', name='uq_related_person_reference')
    )
    with op.batch_alter_table('related_person', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_related_person_id_number_index'), ['id_number_index'], unique=False)
        batch_op.create_index(batch_op.f('ix_related_person_org_id'), ['org_id'], unique=False)

    op.create_table('report',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('scope', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('month', sqlmodel.sql.sqltypes.AutoString(length=7), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'published', name='reportstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('note', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('giver_name', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('giver_kind', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('trustee', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('supervisor', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('filing_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('row_count', sa.Integer(), nullable=False),
    sa.Column('rows_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('prepared_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('prepared_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('published_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('published_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint('version >= 1', name=op.f('ck_report_version')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_report_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report'))
    )
    with op.batch_alter_table('report', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_month'), ['month'], unique=False)
        batch_op.create_index(batch_op.f('ix_report_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_report_scope'), ['scope'], unique=False)
        batch_op.create_index(batch_op.f('ix_report_state'), ['state'], unique=False)
        batch_op.create_index('uq_report_draft', ['scope', 'month'], unique=True, sqlite_where=sa.text("state = 'draft'"), postgresql_where=sa.text("state = 'draft'"))
        batch_op.create_index('uq_report_scope_month_version', ['scope', 'month', 'version'], unique=True)

    op.create_table('reported_name',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('key', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('said', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('raised_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_reported_name_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reported_name')),
    sa.UniqueConstraint('key', name=op.f('uq_reported_name_key'))
    )
    with op.batch_alter_table('reported_name', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reported_name_org_id'), ['org_id'], unique=False)

    op.create_table('rule_trial',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('rule_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('to_on', sa.Date(), nullable=False),
    sa.Column('alerts', sa.Integer(), nullable=False),
    sa.Column('judged', sa.Integer(), nullable=False),
    sa.Column('right', sa.Integer(), nullable=False),
    sa.Column('groups', sa.JSON(), nullable=False),
    sa.Column('tried_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('tried_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['rule_id'], ['warning_rule.id'], name=op.f('fk_rule_trial_rule_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rule_trial'))
    )
    with op.batch_alter_table('rule_trial', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_rule_trial_rule_id'), ['rule_id'], unique=False)

    op.create_table('run_input',
    sa.Column('run_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('versions', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_run_input_run_id')),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_run_input'))
    )
    op.create_table('run_price',
    sa.Column('run_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('price', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_run_price_run_id')),
    sa.PrimaryKeyConstraint('run_id', 'kind', 'ref', 'household_id', name=op.f('pk_run_price'))
    )
    op.create_table('scarce_gift',
    sa.Column('run_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('terms', sa.JSON(), nullable=False),
    sa.Column('urgency', sa.Integer(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('households', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_scarce_gift_run_id')),
    sa.PrimaryKeyConstraint('run_id', 'place', name=op.f('pk_scarce_gift'))
    )
    op.create_table('volunteer',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('registration_no', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('name', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('phone', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('insurance_no', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('id_number_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('birth_year', sa.Integer(), nullable=False),
    sa.Column('health', sa.Enum('strong', 'ordinary', 'light', name='healthfit', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('skills', sa.JSON(), nullable=False),
    sa.Column('insured_from', sa.Date(), nullable=True),
    sa.Column('insured_to', sa.Date(), nullable=True),
    sa.Column('state', sa.Enum('active', 'suspended', 'ended', name='volunteerstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state_reason', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('no_shows', sa.Integer(), nullable=False),
    sa.Column('content_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('no_shows >= 0', name=op.f('ck_volunteer_no_shows')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_volunteer_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_volunteer')),
    sa.UniqueConstraint('org_id', 'id_number_index', name='uq_volunteer_id_number'),
    sa.UniqueConstraint('org_id', 'registration_no', name='uq_volunteer_registration')
    )
    with op.batch_alter_table('volunteer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_volunteer_id_number_index'), ['id_number_index'], unique=False)
        batch_op.create_index(batch_op.f('ix_volunteer_org_id'), ['org_id'], unique=False)

    op.create_table('watch_task',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sa.Enum('call', 'visit', 'temporary_aid', 'need', name='taskkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('done_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('done_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('result', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.CheckConstraint("(done_at IS NULL) = (result = '')", name=op.f('ck_watch_task_result')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_watch_task_household_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_watch_task'))
    )
    with op.batch_alter_table('watch_task', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_watch_task_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_watch_task_household_id'), ['household_id'], unique=False)
        batch_op.create_index('uq_watch_task_open', ['household_id', 'kind'], unique=True, sqlite_where=sa.text('done_at IS NULL'), postgresql_where=sa.text('done_at IS NULL'))

    op.create_table('aid_case',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('number', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('subject_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('signer_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('opened_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('opened_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('opened_role', sa.Enum('household', 'helper', 'worker', 'verifier', 'approver', 'protection_officer', 'charity_worker', 'charity_manager', 'insurer', 'giver_admin', 'auditor', 'security_admin', 'operator', 'service', 'public', name='role', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('proxy_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
    sa.Column('review_of', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
    sa.Column('channel', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('office', sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
    sa.Column('state', sa.Enum('draft', 'open', 'closed', 'withdrawn', name='casestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('all_classes', sa.Boolean(), nullable=False),
    sa.Column('hand_on', sa.Boolean(), nullable=False),
    sa.Column('signed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('decision', sa.Enum('granted', 'partly', 'refused', name='casedecision', native_enum=False, create_constraint=True, length=32), nullable=True),
    sa.CheckConstraint("state <> 'closed' OR (decided_at IS NOT NULL AND decision IS NOT NULL)", name=op.f('ck_aid_case_decided')),
    sa.CheckConstraint("submitted_at IS NULL AND state IN ('draft', 'withdrawn') OR submitted_at IS NOT NULL AND state <> 'draft' AND (signed_at IS NOT NULL OR channel = 'label')", name=op.f('ck_aid_case_sent')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_aid_case_household_id')),
    sa.ForeignKeyConstraint(['signer_id'], ['person.id'], name=op.f('fk_aid_case_signer_id')),
    sa.ForeignKeyConstraint(['subject_id'], ['person.id'], name=op.f('fk_aid_case_subject_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_case')),
    sa.UniqueConstraint('number', name=op.f('uq_aid_case_number'))
    )
    with op.batch_alter_table('aid_case', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_aid_case_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_case_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_case_proxy_id'), ['proxy_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_case_review_of'), ['review_of'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_case_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_case_subject_id'), ['subject_id'], unique=False)
        batch_op.create_index('uq_aid_case_draft', ['household_id', 'subject_id'], unique=True, sqlite_where=sa.text("state = 'draft'"), postgresql_where=sa.text("state = 'draft'"))

    op.create_table('alert',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('rule_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('rule_code', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('kind', sa.Enum('NEED', 'ELIGIBILITY', 'INTEGRITY', 'DATA', 'PROCESS', name='ruleclass', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('colour', sa.Enum('RED', 'ORANGE', 'YELLOW', 'BLUE', name='colour', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('feed', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('street_code', sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
    sa.Column('evidence_fact', sa.BigInteger(), nullable=False),
    sa.Column('evidence_day', sa.Integer(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('open', 'snoozed', 'closed', name='alertstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('snoozed_until', sa.Date(), nullable=True),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('closed_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('closed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('raised_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(household_id IS NULL) = (feed <> '')", name=op.f('ck_alert_about')),
    sa.CheckConstraint("(state = 'closed') = (outcome <> '')", name=op.f('ck_alert_outcome')),
    sa.CheckConstraint("(state = 'snoozed') = (snoozed_until IS NOT NULL)", name=op.f('ck_alert_asleep')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_alert_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_alert_person_id')),
    sa.ForeignKeyConstraint(['rule_id'], ['warning_rule.id'], name=op.f('fk_alert_rule_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert'))
    )
    with op.batch_alter_table('alert', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_alert_household_id'), ['household_id'], unique=False)
        batch_op.create_index('ix_alert_place', ['state', 'district_code', 'rank', 'raised_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_alert_raised_at'), ['raised_at'], unique=False)
        batch_op.create_index('ix_alert_rule', ['rule_code', 'household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_alert_rule_id'), ['rule_id'], unique=False)
        batch_op.create_index('uq_alert_feed', ['feed', 'rule_code'], unique=True, sqlite_where=sa.text("state <> 'closed' AND feed <> ''"), postgresql_where=sa.text("state <> 'closed' AND feed <> ''"))
        batch_op.create_index('uq_alert_home', ['household_id', 'rule_code'], unique=True, sqlite_where=sa.text("state <> 'closed' AND person_id IS NULL AND feed = ''"), postgresql_where=sa.text("state <> 'closed' AND person_id IS NULL AND feed = ''"))
        batch_op.create_index('uq_alert_person', ['person_id', 'rule_code'], unique=True, sqlite_where=sa.text("state <> 'closed' AND person_id IS NOT NULL"), postgresql_where=sa.text("state <> 'closed' AND person_id IS NOT NULL"))

    op.create_table('api_key',
    sa.Column('kid', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('client_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('jwk', sa.JSON(), nullable=False),
    sa.Column('state', sa.Enum('asked', 'active', 'retired', 'refused', name='keystate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('added_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('added_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('first_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('second_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('ends_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state <> 'active' OR second_by IS NOT NULL", name=op.f('ck_api_key_approved')),
    sa.CheckConstraint('second_by IS NULL OR (first_by IS NOT NULL AND second_by <> first_by)', name=op.f('ck_api_key_two_people')),
    sa.ForeignKeyConstraint(['client_id'], ['api_client.id'], name=op.f('fk_api_key_client_id')),
    sa.PrimaryKeyConstraint('kid', name=op.f('pk_api_key'))
    )
    with op.batch_alter_table('api_key', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_key_client_id'), ['client_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_api_key_state'), ['state'], unique=False)

    op.create_table('category_ask',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('benefit', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('ground', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('state', sa.Enum('asked', 'entered', 'refused', name='askstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint('decided_by IS NULL OR decided_by NOT IN (asked_by, asked_for)', name=op.f('ck_category_ask_two')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_category_ask_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_category_ask_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_category_ask'))
    )
    with op.batch_alter_table('category_ask', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_category_ask_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_category_ask_state'), ['state'], unique=False)

    op.create_table('category_listed',
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('to_on', sa.Date(), nullable=True),
    sa.Column('told_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('to_on IS NULL OR to_on >= from_on', name=op.f('ck_category_listed_days')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_category_listed_person_id')),
    sa.PrimaryKeyConstraint('person_id', 'category', name=op.f('pk_category_listed'))
    )
    op.create_table('category_spell',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('to_on', sa.Date(), nullable=True),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('source_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('benefit', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('entered_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint('to_on IS NULL OR to_on >= from_on', name=op.f('ck_category_spell_days')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_category_spell_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_category_spell_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_category_spell'))
    )
    with op.batch_alter_table('category_spell', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_category_spell_entered_at'), ['entered_at'], unique=False)
        batch_op.create_index('ix_spell_category', ['category', 'from_on', 'household_id'], unique=False)
        batch_op.create_index('ix_spell_home', ['household_id', 'category', 'to_on'], unique=False)
        batch_op.create_index('uq_spell_home', ['household_id', 'category'], unique=True, sqlite_where=sa.text('to_on IS NULL AND person_id IS NULL'), postgresql_where=sa.text('to_on IS NULL AND person_id IS NULL'))
        batch_op.create_index('uq_spell_person', ['person_id', 'category'], unique=True, sqlite_where=sa.text('to_on IS NULL AND person_id IS NOT NULL'), postgresql_where=sa.text('to_on IS NULL AND person_id IS NOT NULL'))

    op.create_table('clock',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('step', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('object_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('side', sa.Enum('giver', 'household', 'staff', name='side', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('started_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('due_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('remind_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('reminders', sa.Integer(), nullable=False),
    sa.Column('ended_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.CheckConstraint('reminders >= 0', name=op.f('ck_clock_reminders')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_clock_account_id')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_clock_household_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_clock_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock'))
    )
    with op.batch_alter_table('clock', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_clock_account_id'), ['account_id'], unique=False)
        batch_op.create_index('ix_clock_due', ['due_at', 'id'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.create_index('ix_clock_due_district', ['district_code', 'due_at', 'id'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.create_index('ix_clock_due_step', ['step', 'due_at', 'id'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.create_index(batch_op.f('ix_clock_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_clock_object_ref'), ['object_ref'], unique=False)
        batch_op.create_index(batch_op.f('ix_clock_org_id'), ['org_id'], unique=False)
        batch_op.create_index('ix_clock_remind', ['remind_at', 'id'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.create_index('uq_clock_running', ['object_ref', 'step'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('consent',
    sa.Column('chain_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('schema_code', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('lang', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('jurisdiction', sqlmodel.sql.sqltypes.AutoString(length=2), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('capacity', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('capacity_evidence', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('holder', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('recipient_org_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('recipient_name', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('recipient_contact', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('recipient_kind', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('recipient_credit_code', sqlmodel.sql.sqltypes.AutoString(length=18), nullable=False),
    sa.Column('contract_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('purpose', sa.Enum('AUTO_MATCH', 'MED_AID', 'EDU_AID', 'CARE_SERVICE', 'GOODS', 'HOUSING', 'JOB', 'INSURE_ENROL', 'INSURE_CLAIM', 'INSURE_CLAIM_QUERY', 'LEGAL_HELP', 'EMERGENCY_HELP', 'DONOR_FEEDBACK', 'PUBLICITY', 'REFERRAL', 'PAYMENT', name='purpose', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('modifiers', sa.JSON(), nullable=False),
    sa.Column('data_fields', sa.JSON(), nullable=False),
    sa.Column('field_ticks', sa.JSON(), nullable=False),
    sa.Column('excluded_org_ids', sa.JSON(), nullable=False),
    sa.Column('mode', sa.Enum('query', 'view', 'store', name='mode', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('fetch', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('max_reads', sa.Integer(), nullable=True),
    sa.Column('min_interval_s', sa.Integer(), nullable=True),
    sa.Column('valid_from', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('valid_to', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('erase_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('basis', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('written', sa.Boolean(), nullable=False),
    sa.Column('notice_id', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('notice_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('notice_form', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('channel', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('authenticated_by', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('authenticated_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('signature_kind', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('helper_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('verifier_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('callback_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('callback_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('state', sa.Enum('pending_check', 'active', 'paused', 'revoked', 'refused', 'expired', 'superseded', 'rejected', 'void', name='consentstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('replaces', sa.Integer(), nullable=True),
    sa.Column('withdrawal_ways', sa.JSON(), nullable=False),
    sa.Column('policy_version', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('audit_seq', sa.Integer(), nullable=False),
    sa.CheckConstraint("purpose = 'AUTO_MATCH' OR recipient_org_id <> ''", name=op.f('ck_consent_one_recipient')),
    sa.CheckConstraint('valid_to > valid_from', name=op.f('ck_consent_period')),
    sa.ForeignKeyConstraint(['audit_seq'], ['audit_row.seq'], name=op.f('fk_consent_audit_seq')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_consent_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_consent_person_id')),
    sa.PrimaryKeyConstraint('chain_id', 'version', name=op.f('pk_consent'))
    )
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_household_id'), ['household_id'], unique=False)

    op.create_table('consent_evidence',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('chain_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('signature_kind', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('body', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('recorded_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('recorded_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['chain_id'], ['consent_head.chain_id'], name=op.f('fk_consent_evidence_chain_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_consent_evidence_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent_evidence'))
    )
    with op.batch_alter_table('consent_evidence', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_evidence_chain_id'), ['chain_id'], unique=False)

    op.create_table('cost_bill',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('cost_fen', sa.BigInteger(), nullable=False),
    sa.Column('paper', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('recorded_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('cost_fen > 0', name=op.f('ck_cost_bill_cost')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_cost_bill_household_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_cost_bill_need_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_cost_bill_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cost_bill')),
    sa.UniqueConstraint('need_id', name=op.f('uq_cost_bill_need_id'))
    )
    with op.batch_alter_table('cost_bill', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_cost_bill_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_cost_bill_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_cost_bill_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_cost_bill_person_id'), ['person_id'], unique=False)

    op.create_table('critical_call',
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('state', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('shift_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('told_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_critical_call_need_id')),
    sa.PrimaryKeyConstraint('need_id', 'state', name=op.f('pk_critical_call'))
    )
    with op.batch_alter_table('critical_call', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_critical_call_shift_id'), ['shift_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_critical_call_told_at'), ['told_at'], unique=False)

    op.create_table('death',
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('died_on', sa.Date(), nullable=False),
    sa.Column('evidence', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('recorded_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('recorded_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_death_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_death_person_id')),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_death'))
    )
    with op.batch_alter_table('death', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_death_household_id'), ['household_id'], unique=False)

    op.create_table('disclosure',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('recipient_org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('actor_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('purpose', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('data_fields', sa.JSON(), nullable=False),
    sa.Column('consent_chain_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
    sa.Column('consent_version', sa.Integer(), nullable=True),
    sa.Column('emergency_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
    sa.Column('audit_seq', sa.Integer(), nullable=False),
    sa.CheckConstraint('consent_chain_id IS NOT NULL OR emergency_id IS NOT NULL', name=op.f('ck_disclosure_basis')),
    sa.ForeignKeyConstraint(['audit_seq'], ['audit_row.seq'], name=op.f('fk_disclosure_audit_seq')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_disclosure_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_disclosure_person_id')),
    sa.ForeignKeyConstraint(['recipient_org_id'], ['organisation.id'], name=op.f('fk_disclosure_recipient_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_disclosure'))
    )
    with op.batch_alter_table('disclosure', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_disclosure_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_disclosure_consent_chain_id'), ['consent_chain_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_disclosure_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_disclosure_match_id'), ['match_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_disclosure_recipient_org_id'), ['recipient_org_id'], unique=False)

    op.create_table('displacement',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('run_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('moves', sa.JSON(), nullable=False),
    sa.Column('loser_need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('rank_gained', sa.Integer(), nullable=False),
    sa.Column('rank_lost', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('pending', 'kept', 'dropped', name='displacementstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('made_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint('rank_gained > rank_lost', name=op.f('ck_displacement_ranks')),
    sa.ForeignKeyConstraint(['loser_need_id'], ['need.id'], name=op.f('fk_displacement_loser_need_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_displacement_need_id')),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_displacement_offer_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_displacement_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_displacement'))
    )
    with op.batch_alter_table('displacement', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_displacement_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_displacement_need_id'), ['need_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_displacement_run_id'), ['run_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_displacement_state'), ['state'], unique=False)

    op.create_table('donor_consent',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('document', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('signed_on', sa.Date(), nullable=False),
    sa.Column('before', sa.JSON(), nullable=False),
    sa.Column('after', sa.JSON(), nullable=False),
    sa.Column('recorded_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('recorded_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_donor_consent_offer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_donor_consent'))
    )
    with op.batch_alter_table('donor_consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_donor_consent_offer_id'), ['offer_id'], unique=False)

    op.create_table('duty',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('meeting_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('officer_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('task', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('made_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('made_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('taken_back', sa.Boolean(), nullable=False),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('done_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('done_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['meeting_id'], ['meeting.id'], name=op.f('fk_duty_meeting_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_duty_need_id')),
    sa.ForeignKeyConstraint(['officer_id'], ['account.id'], name=op.f('fk_duty_officer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duty'))
    )
    with op.batch_alter_table('duty', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_duty_done_at'), ['done_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_duty_meeting_id'), ['meeting_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_duty_need_id'), ['need_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_duty_officer_id'), ['officer_id'], unique=False)

    op.create_table('emergency',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('data_fields', sa.JSON(), nullable=False),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('opened_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('opened_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('closes_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('reviewed_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('reviewed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('verdict', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.CheckConstraint('(closes_at IS NULL) = (opened_by IS NULL)', name=op.f('ck_emergency_half_an_hour')),
    sa.CheckConstraint('opened_by IS NULL OR opened_by <> asked_by', name=op.f('ck_emergency_two_people')),
    sa.CheckConstraint('reviewed_by IS NULL OR (reviewed_by <> asked_by AND reviewed_by <> opened_by)', name=op.f('ck_emergency_other_reviewer')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_emergency_household_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_emergency_org_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_emergency_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_emergency'))
    )
    with op.batch_alter_table('emergency', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_emergency_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_emergency_org_id'), ['org_id'], unique=False)

    op.create_table('erasure',
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('erase_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('erased_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_erasure_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_erasure_person_id')),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_erasure'))
    )
    with op.batch_alter_table('erasure', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_erasure_erase_at'), ['erase_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_erasure_household_id'), ['household_id'], unique=False)

    op.create_table('face_consent',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('notice_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('given_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_face_consent_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_face_consent_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_face_consent'))
    )
    with op.batch_alter_table('face_consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_face_consent_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_face_consent_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_face_consent', ['person_id'], unique=True, sqlite_where=sa.text('withdrawn_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL'))

    op.create_table('fact',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('feed', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('day', sa.Integer(), nullable=False),
    sa.Column('known_day', sa.Integer(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('source_key', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('delivery_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('replaced_day', sa.Integer(), nullable=True),
    sa.Column('wrong_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.CheckConstraint('amount >= 0 AND amount < 1000000000000', name=op.f('ck_fact_amount')),
    sa.ForeignKeyConstraint(['delivery_id'], ['feed_delivery.id'], name=op.f('fk_fact_delivery_id')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_fact_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_fact_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fact'))
    )
    with op.batch_alter_table('fact', schema=None) as batch_op:
        batch_op.create_index('ix_fact_home', ['household_id', 'kind', 'day'], unique=False)
        batch_op.create_index('ix_fact_kind', ['kind', 'household_id', 'person_id', 'day', 'amount', 'known_day'], unique=False, sqlite_where=sa.text('replaced_day IS NULL'), postgresql_where=sa.text('replaced_day IS NULL'))
        batch_op.create_index('ix_fact_wrong', ['source_key'], unique=False, sqlite_where=sa.text('wrong_by IS NOT NULL'), postgresql_where=sa.text('wrong_by IS NOT NULL'))
        batch_op.create_index('uq_fact_source', ['source_key'], unique=True, sqlite_where=sa.text('replaced_day IS NULL'), postgresql_where=sa.text('replaced_day IS NULL'))

    op.create_table('guardian',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('child_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('guardian_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('evidence', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('verified_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('verified_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('end_reason', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('end_asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('end_asked_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('ended_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('ended_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint('child_id <> guardian_id', name=op.f('ck_guardian_two')),
    sa.CheckConstraint('ended_at IS NULL OR (end_asked_by IS NOT NULL AND ended_by <> end_asked_by)', name=op.f('ck_guardian_end')),
    sa.ForeignKeyConstraint(['child_id'], ['person.id'], name=op.f('fk_guardian_child_id')),
    sa.ForeignKeyConstraint(['guardian_id'], ['person.id'], name=op.f('fk_guardian_guardian_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_guardian'))
    )
    with op.batch_alter_table('guardian', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_guardian_child_id'), ['child_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_guardian_guardian_id'), ['guardian_id'], unique=False)
        batch_op.create_index('uq_guardian_link', ['child_id', 'guardian_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('help_power',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('kind', sa.Enum('once', 'standing', name='powerkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state', sa.Enum('invited', 'pending', 'active', 'ended', name='powerstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('subject_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('helper_kind', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('name', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('phone', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('phone_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('matters', sa.JSON(), nullable=False),
    sa.Column('acts', sa.JSON(), nullable=False),
    sa.Column('starts_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ends_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('signed', sa.Enum('own_hand', 'thumbprint', 'witnesses', 'home_visit', name='signed', native_enum=False, create_constraint=True, length=32), nullable=True),
    sa.Column('evidence', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('witnesses', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('code_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('told_to', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('recorded_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('recorded_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('checked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('checked_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('end_reason', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f('ck_help_power_ended')),
    sa.CheckConstraint("kind = 'once' OR (signed IS NOT NULL AND evidence <> '')", name=op.f('ck_help_power_paper')),
    sa.CheckConstraint("kind = 'once' OR state <> 'active' OR (checked_by <> '' AND checked_by <> recorded_by)", name=op.f('ck_help_power_two_people')),
    sa.CheckConstraint("signed <> 'witnesses' OR witnesses IS NOT NULL", name=op.f('ck_help_power_witnesses')),
    sa.CheckConstraint("state = 'invited' OR ended_at IS NOT NULL OR phone_index <> ''", name=op.f('ck_help_power_agent')),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_help_power_term')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_help_power_household_id')),
    sa.ForeignKeyConstraint(['subject_id'], ['person.id'], name=op.f('fk_help_power_subject_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_help_power'))
    )
    with op.batch_alter_table('help_power', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_help_power_code_index'), ['code_index'], unique=False)
        batch_op.create_index(batch_op.f('ix_help_power_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_help_power_ends_at'), ['ends_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_help_power_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_help_power_phone_index'), ['phone_index'], unique=False)
        batch_op.create_index(batch_op.f('ix_help_power_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_help_power_subject_id'), ['subject_id'], unique=False)

    op.create_table('home_visit',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('street_code', sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
    sa.Column('kind', sa.Enum('call', 'visit', 'temporary_aid', 'need', name='taskkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('source_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('task_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('urgency', sa.Integer(), nullable=False),
    sa.Column('two', sa.Boolean(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('open', 'second', 'done', 'dropped', name='visitstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('worker_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('done_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('second_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('done_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f('ck_home_visit_done')),
    sa.CheckConstraint("NOT two OR state <> 'done' OR (second_by <> '' AND second_by <> done_by)", name=op.f('ck_home_visit_two')),
    sa.CheckConstraint("kind IN ('call', 'visit')", name=op.f('ck_home_visit_kind')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_home_visit_household_id')),
    sa.ForeignKeyConstraint(['task_id'], ['watch_task.id'], name=op.f('fk_home_visit_task_id')),
    sa.ForeignKeyConstraint(['worker_id'], ['account.id'], name=op.f('fk_home_visit_worker_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_home_visit'))
    )
    with op.batch_alter_table('home_visit', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_home_visit_done_at'), ['done_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_home_visit_household_id'), ['household_id'], unique=False)
        batch_op.create_index('ix_home_visit_place', ['state', 'district_code', 'urgency', 'street_code', 'due_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_home_visit_source_ref'), ['source_ref'], unique=False)
        batch_op.create_index(batch_op.f('ix_home_visit_worker_id'), ['worker_id'], unique=False)
        batch_op.create_index('uq_home_visit_open', ['household_id', 'kind', 'cause', 'source_ref'], unique=True, sqlite_where=sa.text("state IN ('open', 'second')"), postgresql_where=sa.text("state IN ('open', 'second')"))

    op.create_table('home_worker',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('from_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('until_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('set_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_home_worker_account_id')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_home_worker_household_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_home_worker'))
    )
    with op.batch_alter_table('home_worker', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_home_worker_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_home_worker_household_id'), ['household_id'], unique=False)
        batch_op.create_index('uq_home_worker', ['household_id'], unique=True, sqlite_where=sa.text('until_at IS NULL'), postgresql_where=sa.text('until_at IS NULL'))

    op.create_table('invitation',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('role', sa.Enum('household', 'helper', 'worker', 'verifier', 'approver', 'protection_officer', 'charity_worker', 'charity_manager', 'insurer', 'giver_admin', 'auditor', 'security_admin', 'operator', 'service', 'public', name='role', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('note', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('code_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('withdrawn', sa.Boolean(), nullable=False),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('used_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(account_id IS NULL) = (used_at IS NULL)', name=op.f('ck_invitation_used')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_invitation_account_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_invitation_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitation')),
    sa.UniqueConstraint('code_hash', name=op.f('uq_invitation_code_hash'))
    )
    with op.batch_alter_table('invitation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_invitation_org_id'), ['org_id'], unique=False)

    op.create_table('kept_reply',
    sa.Column('client_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('key', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('request_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('reply', sa.JSON(), nullable=False),
    sa.Column('at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['api_client.id'], name=op.f('fk_kept_reply_client_id')),
    sa.PrimaryKeyConstraint('client_id', 'key', name=op.f('pk_kept_reply'))
    )
    with op.batch_alter_table('kept_reply', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_kept_reply_at'), ['at'], unique=False)

    op.create_table('ledger_entry',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('source_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('part_of', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('giver', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('payer', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('programme', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('project', sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('period', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('units', sa.BigInteger(), nullable=False),
    sa.Column('given_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('reserved', 'approved', 'delivered', 'returned', 'repeat', name='aidstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('repeats_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
    sa.Column('told', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(state = 'repeat') = (repeats_id IS NOT NULL) AND (repeats_id IS NULL OR need_id IS NULL)", name=op.f('ck_ledger_entry_repeat')),
    sa.CheckConstraint('units > 0', name=op.f('ck_ledger_entry_units')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_ledger_entry_household_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_ledger_entry_need_id')),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_ledger_entry_offer_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_ledger_entry_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_entry')),
    sa.UniqueConstraint('source_index', name=op.f('uq_ledger_entry_source_index'))
    )
    with op.batch_alter_table('ledger_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_entry_category'), ['category'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_given_on'), ['given_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_need_id'), ['need_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_repeats_id'), ['repeats_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_source'), ['source'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_state'), ['state'], unique=False)
        batch_op.create_index('uq_ledger_entry_need_period_offer', ['need_id', 'period', 'offer_id'], unique=True, sqlite_where=sa.text("state <> 'returned' AND need_id IS NOT NULL AND offer_id IS NOT NULL"), postgresql_where=sa.text("state <> 'returned' AND need_id IS NOT NULL AND offer_id IS NOT NULL"))

    op.create_table('meeting_row',
    sa.Column('meeting_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('zero', 'unclaimed', name='rowkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('unit', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('urgency', sa.Integer(), nullable=False),
    sa.Column('open_units', sa.BigInteger(), nullable=False),
    sa.Column('blocker', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('remedy', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('remedy_units', sa.BigInteger(), nullable=False),
    sa.Column('remedy_offer_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('remedy_fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('losers', sa.Integer(), nullable=True),
    sa.Column('losers_units', sa.BigInteger(), nullable=False),
    sa.Column('loser_urgency', sa.Integer(), nullable=True),
    sa.Column('verdict', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('decision_offer_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('decision_units', sa.BigInteger(), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('made_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('officer_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(verdict = '') = (decided_at IS NULL)", name=op.f('ck_meeting_row_decided')),
    sa.CheckConstraint('remedy_units >= 0', name=op.f('ck_meeting_row_remedy')),
    sa.ForeignKeyConstraint(['meeting_id'], ['meeting.id'], name=op.f('fk_meeting_row_meeting_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_meeting_row_need_id')),
    sa.PrimaryKeyConstraint('meeting_id', 'number', name=op.f('pk_meeting_row'))
    )
    with op.batch_alter_table('meeting_row', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_meeting_row_blocker'), ['blocker'], unique=False)
        batch_op.create_index(batch_op.f('ix_meeting_row_need_id'), ['need_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_meeting_row_verdict'), ['verdict'], unique=False)

    op.create_table('need_push',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('department', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('indicator', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('asked_units', sa.BigInteger(), nullable=False),
    sa.Column('covered_units', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('asked', 'accepted', 'returned', 'done', name='pushstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('code_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('pushed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('heard_seq', sa.Integer(), nullable=False),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('answered_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('answered_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'asked') = (answered_at IS NULL)", name=op.f('ck_need_push_answered')),
    sa.CheckConstraint("(state = 'returned') = (reason <> '')", name=op.f('ck_need_push_reason')),
    sa.CheckConstraint("(state IN ('returned', 'done')) = (ended_at IS NOT NULL)", name=op.f('ck_need_push_ended')),
    sa.CheckConstraint('asked_units > 0 AND covered_units >= 0 AND covered_units <= asked_units', name=op.f('ck_need_push_units')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_need_push_household_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_need_push_need_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_need_push'))
    )
    with op.batch_alter_table('need_push', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_need_push_asked_at'), ['asked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_push_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_push_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_push_state'), ['state'], unique=False)
        batch_op.create_index('uq_need_push_code', ['code_index'], unique=True, sqlite_where=sa.text("code_index <> ''"), postgresql_where=sa.text("code_index <> ''"))
        batch_op.create_index('uq_need_push_running', ['household_id', 'department', 'category'], unique=True, sqlite_where=sa.text("state IN ('asked', 'accepted')"), postgresql_where=sa.text("state IN ('asked', 'accepted')"))

    op.create_table('need_quote',
    sa.Column('run_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('verdict', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('open_units', sa.BigInteger(), nullable=False),
    sa.Column('free_units', sa.BigInteger(), nullable=False),
    sa.Column('made_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_need_quote_need_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_need_quote_run_id')),
    sa.PrimaryKeyConstraint('run_id', 'need_id', name=op.f('pk_need_quote'))
    )
    with op.batch_alter_table('need_quote', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_need_quote_need_id'), ['need_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_quote_verdict'), ['verdict'], unique=False)

    op.create_table('notice',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('key', sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
    sa.Column('letter', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('params', sa.JSON(), nullable=False),
    sa.Column('channel', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('state', sa.Enum('queued', 'sending', 'sent', 'dead', 'by_hand', name='noticestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_try_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('sent_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('provider_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('error_code', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_notice_account_id')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_notice_household_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_notice_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice')),
    sa.UniqueConstraint('key', name=op.f('uq_notice_key'))
    )
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notice_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_household_id'), ['household_id'], unique=False)
        batch_op.create_index('ix_notice_letter_next_try_at', ['letter', 'next_try_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_next_try_at'), ['next_try_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_state'), ['state'], unique=False)

    op.create_table('offer_draft',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('created_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_offer_draft_offer_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_offer_draft_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offer_draft'))
    )
    with op.batch_alter_table('offer_draft', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_offer_draft_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_offer_draft_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_offer_draft_updated_at'), ['updated_at'], unique=False)

    op.create_table('on_call',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('verifier_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('approver_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('verifier_phone', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('approver_phone', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('starts_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ends_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('set_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('set_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_on_call_span')),
    sa.CheckConstraint('verifier_id <> approver_id', name=op.f('ck_on_call_two_people')),
    sa.ForeignKeyConstraint(['approver_id'], ['account.id'], name=op.f('fk_on_call_approver_id')),
    sa.ForeignKeyConstraint(['verifier_id'], ['account.id'], name=op.f('fk_on_call_verifier_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_on_call'))
    )
    with op.batch_alter_table('on_call', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_on_call_approver_id'), ['approver_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_on_call_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_on_call_ends_at'), ['ends_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_on_call_starts_at'), ['starts_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_on_call_verifier_id'), ['verifier_id'], unique=False)

    op.create_table('overlap_exception',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('allowed_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('allowed_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_overlap_exception_household_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_overlap_exception_need_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_overlap_exception')),
    sa.UniqueConstraint('need_id', 'code', 'valid_to', name=op.f('uq_overlap_exception_need_id_code_valid_to'))
    )
    with op.batch_alter_table('overlap_exception', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_overlap_exception_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_overlap_exception_need_id'), ['need_id'], unique=False)

    op.create_table('overlap_hit',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('place', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('subject', sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('giver', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('units', sa.BigInteger(), nullable=False),
    sa.Column('value_fen', sa.BigInteger(), nullable=False),
    sa.Column('because', sa.JSON(), nullable=False),
    sa.Column('state', sa.Enum('open', 'duplicate', 'false_alarm', 'gone', name='hitstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('minutes >= 0', name=op.f('ck_overlap_hit_minutes')),
    sa.CheckConstraint('units > 0', name=op.f('ck_overlap_hit_units')),
    sa.CheckConstraint('value_fen >= 0', name=op.f('ck_overlap_hit_value')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_overlap_hit_household_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_overlap_hit_need_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_overlap_hit_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_overlap_hit')),
    sa.UniqueConstraint('code', 'place', 'subject', name=op.f('uq_overlap_hit_code_place_subject'))
    )
    with op.batch_alter_table('overlap_hit', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_overlap_hit_code'), ['code'], unique=False)
        batch_op.create_index(batch_op.f('ix_overlap_hit_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_overlap_hit_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_overlap_hit_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_overlap_hit_need_id'), ['need_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_overlap_hit_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_overlap_hit_state'), ['state'], unique=False)

    op.create_table('override',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('kind', sa.Enum('pin', 'ban', name='overridekind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state', sa.Enum('standing', 'withdrawn', name='overridestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('units', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('created_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('withdrawn_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('left_out', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.CheckConstraint("kind <> 'ban' OR ((need_id IS NOT NULL OR offer_id IS NOT NULL) AND units = 0)", name=op.f('ck_override_ban')),
    sa.CheckConstraint("kind <> 'pin' OR (need_id IS NOT NULL AND offer_id IS NOT NULL AND units > 0)", name=op.f('ck_override_pin')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_override_need_id')),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_override_offer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_override'))
    )
    with op.batch_alter_table('override', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_override_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_override_need_id'), ['need_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_override_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_override_state'), ['state'], unique=False)
        batch_op.create_index('uq_override_need_offer', ['need_id', 'offer_id'], unique=True, sqlite_where=sa.text("state = 'standing'"), postgresql_where=sa.text("state = 'standing'"))

    op.create_table('paper',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('kind', sa.Enum('donation_receipt', 'invoice', name='paperkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('number', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=False),
    sa.Column('recorded_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('recorded_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('struck_reason', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('struck_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('struck_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(struck_at IS NULL) = (struck_reason = '')", name=op.f('ck_paper_struck')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_paper_amount')),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_paper_offer_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_paper_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_paper'))
    )
    with op.batch_alter_table('paper', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_paper_issued_on'), ['issued_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_paper_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_paper_org_id'), ['org_id'], unique=False)
        batch_op.create_index('uq_paper_org_kind_number', ['org_id', 'kind', 'number'], unique=True, sqlite_where=sa.text('struck_at IS NULL'), postgresql_where=sa.text('struck_at IS NULL'))

    op.create_table('passkey',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('label', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('sign_count', sa.Integer(), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('used_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_passkey_account_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_passkey'))
    )
    with op.batch_alter_table('passkey', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_passkey_account_id'), ['account_id'], unique=False)

    op.create_table('payee',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sa.Enum('card', 'passbook', name='accountkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('relation', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('holder', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('bank', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('account', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('account_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('holder_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('last_four', sqlmodel.sql.sqltypes.AutoString(length=4), nullable=False),
    sa.Column('state', sa.Enum('ok', 'to_check', 'refused', 'replaced', name='payeestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('typed_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint('decided_by IS NULL OR decided_by <> typed_by', name=op.f('ck_payee_two_people')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_payee_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_payee_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payee'))
    )
    with op.batch_alter_table('payee', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payee_account_index'), ['account_index'], unique=False)
        batch_op.create_index(batch_op.f('ix_payee_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_payee_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_payee_state'), ['state'], unique=False)
        batch_op.create_index('uq_payee_live', ['household_id'], unique=True, sqlite_where=sa.text("state IN ('ok', 'to_check')"), postgresql_where=sa.text("state IN ('ok', 'to_check')"))

    op.create_table('person_search',
    sa.Column('value', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_person_search_person_id')),
    sa.PrimaryKeyConstraint('value', 'person_id', name=op.f('pk_person_search'))
    )
    with op.batch_alter_table('person_search', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_person_search_person_id'), ['person_id'], unique=False)

    op.create_table('person_trace',
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('use', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('value', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_person_trace_person_id')),
    sa.PrimaryKeyConstraint('person_id', 'use', name=op.f('pk_person_trace'))
    )
    with op.batch_alter_table('person_trace', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_person_trace_value'), ['value'], unique=False)

    op.create_table('project_offer',
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('project_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_project_offer_offer_id')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_project_offer_project_id')),
    sa.PrimaryKeyConstraint('offer_id', name=op.f('pk_project_offer'))
    )
    with op.batch_alter_table('project_offer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_project_offer_project_id'), ['project_id'], unique=False)

    op.create_table('project_report',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('project_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sa.Enum('emergency', 'quarter', 'final', name='projectreportkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('to_on', sa.Date(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('filed_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('filed_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('version >= 1', name=op.f('ck_project_report_version')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_project_report_project_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_project_report'))
    )
    with op.batch_alter_table('project_report', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_project_report_project_id'), ['project_id'], unique=False)
        batch_op.create_index('uq_project_report_version', ['project_id', 'kind', 'from_on', 'version'], unique=True)

    op.create_table('proposed_line',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('run_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('urgency', sa.Integer(), nullable=False),
    sa.Column('units', sa.BigInteger(), nullable=False),
    sa.Column('value_fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('reasons', sa.JSON(), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'approved', 'rejected', 'declined', 'stale', name='linestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('consent_chain_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('consent_version', sa.Integer(), nullable=False),
    sa.Column('free_stock', sa.Boolean(), nullable=False),
    sa.CheckConstraint('units > 0', name=op.f('ck_proposed_line_units')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_proposed_line_household_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_proposed_line_need_id')),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_proposed_line_offer_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_proposed_line_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_proposed_line'))
    )
    with op.batch_alter_table('proposed_line', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_proposed_line_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_proposed_line_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_proposed_line_need_id'), ['need_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_proposed_line_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index('ix_proposed_line_offer_state', ['offer_id', 'state', 'units'], unique=False)
        batch_op.create_index('ix_proposed_line_queue', ['state', 'urgency', 'id', 'district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_proposed_line_run_id'), ['run_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_proposed_line_state'), ['state'], unique=False)

    op.create_table('read_back',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('act', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('object_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('channel', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('signed', sa.Enum('own_hand', 'thumbprint', 'witnesses', 'spoken', 'code', name='signedby', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('dialect', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('evidence', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('witnesses', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('template', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('template_version', sa.Integer(), nullable=False),
    sa.Column('lang', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('script', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('script_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('basis_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('answer', sa.JSON(), nullable=False),
    sa.Column('read_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('read_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('read_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('second', sa.Enum('none', 'due', 'confirmed', 'denied', name='secondcall', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('second_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('second_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(second IN ('confirmed', 'denied')) = (second_at IS NOT NULL)", name=op.f('ck_read_back_second')),
    sa.CheckConstraint("second_by = '' OR second_by NOT IN (read_by, read_for)", name=op.f('ck_read_back_another')),
    sa.CheckConstraint("signed <> 'witnesses' OR witnesses IS NOT NULL", name=op.f('ck_read_back_witnesses')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_read_back_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_read_back_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_read_back'))
    )
    with op.batch_alter_table('read_back', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_read_back_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_read_back_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_read_back_object_ref'), ['object_ref'], unique=False)
        batch_op.create_index(batch_op.f('ix_read_back_second'), ['second'], unique=False)

    op.create_table('report_row',
    sa.Column('report_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('figure', sa.Enum('received', 'given', 'reported', 'unmet', 'declined', 'ended', 'returned', 'result', 'followed', name='figure', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('object_ref', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('unit', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('units', sa.BigInteger(), nullable=False),
    sa.Column('fen', sa.BigInteger(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=True),
    sa.Column('satisfaction', sa.Integer(), nullable=True),
    sa.Column('minutes', sa.Integer(), nullable=True),
    sa.Column('helper_minutes', sa.Integer(), nullable=True),
    sa.Column('month', sqlmodel.sql.sqltypes.AutoString(length=7), nullable=False),
    sa.ForeignKeyConstraint(['report_id'], ['report.id'], name=op.f('fk_report_row_report_id')),
    sa.PrimaryKeyConstraint('report_id', 'number', name=op.f('pk_report_row'))
    )
    with op.batch_alter_table('report_row', schema=None) as batch_op:
        batch_op.create_index('ix_report_row_figure_category', ['report_id', 'figure', 'category'], unique=False)
        batch_op.create_index('ix_report_row_figure_object', ['report_id', 'figure', 'object_ref'], unique=False)

    op.create_table('right_request',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('kind', sa.Enum('see', 'copy', 'correct', 'move', 'erase', 'explain', 'complain', 'by_hand', name='rightkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state', sa.Enum('open', 'second', 'done', 'refused', 'taken_back', name='requeststate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('capacity', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('evidence', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('field', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('words', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('new_value', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('answer', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('due_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('answered_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('answered_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('second_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.CheckConstraint("second_by = '' OR second_by <> answered_by", name=op.f('ck_right_request_two_people')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_right_request_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_right_request_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_right_request'))
    )
    with op.batch_alter_table('right_request', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_right_request_asked_at'), ['asked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_right_request_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_right_request_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_right_request_kind'), ['kind'], unique=False)
        batch_op.create_index(batch_op.f('ix_right_request_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_right_request_state'), ['state'], unique=False)
        batch_op.create_index('uq_right_request_open', ['person_id', 'kind', 'field'], unique=True, sqlite_where=sa.text("state IN ('open', 'second')"), postgresql_where=sa.text("state IN ('open', 'second')"))

    op.create_table('safe_contact',
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('way', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('since_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_safe_contact_person_id')),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_safe_contact'))
    )
    op.create_table('staff_identity',
    sa.Column('issuer', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('subject', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_staff_identity_account_id')),
    sa.PrimaryKeyConstraint('issuer', 'subject', name=op.f('pk_staff_identity'))
    )
    with op.batch_alter_table('staff_identity', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_staff_identity_account_id'), ['account_id'], unique=False)

    op.create_table('staff_tie',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('reference', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('value_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('added_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_staff_tie_account_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_tie')),
    sa.UniqueConstraint('account_id', 'value_index', name='uq_staff_tie_value_index')
    )
    with op.batch_alter_table('staff_tie', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_staff_tie_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_staff_tie_value_index'), ['value_index'], unique=False)

    op.create_table('stand_in',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('head_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('deputy_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('starts_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ends_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('set_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('set_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_stand_in_span')),
    sa.CheckConstraint('head_id <> deputy_id', name=op.f('ck_stand_in_two_people')),
    sa.ForeignKeyConstraint(['deputy_id'], ['account.id'], name=op.f('fk_stand_in_deputy_id')),
    sa.ForeignKeyConstraint(['head_id'], ['account.id'], name=op.f('fk_stand_in_head_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stand_in'))
    )
    with op.batch_alter_table('stand_in', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stand_in_deputy_id'), ['deputy_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_stand_in_ends_at'), ['ends_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_stand_in_head_id'), ['head_id'], unique=False)

    op.create_table('survival_check',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('cause', sa.Enum('schedule', 'death', 'detention', name='checkcause', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('evidence', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('state', sa.Enum('open', 'visit', 'seen', 'died', 'detained', 'dropped', name='checkstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('opened_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('opened_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('wish', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('way', sa.Enum('face', 'code', 'video', 'home', 'counter', name='way', native_enum=False, create_constraint=True, length=32), nullable=True),
    sa.Column('done_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('done_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('done_role', sa.Enum('household', 'helper', 'worker', 'verifier', 'approver', 'protection_officer', 'charity_worker', 'charity_manager', 'insurer', 'giver_admin', 'auditor', 'security_admin', 'operator', 'service', 'public', name='role', native_enum=False, create_constraint=True, length=32), nullable=True),
    sa.Column('note', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('face_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('face_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.CheckConstraint("(state IN ('open', 'visit')) = (done_at IS NULL)", name=op.f('ck_survival_check_done')),
    sa.CheckConstraint("state <> 'seen' OR way IS NOT NULL", name=op.f('ck_survival_check_seen')),
    sa.CheckConstraint('tries >= 0', name=op.f('ck_survival_check_tries')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_survival_check_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_survival_check_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survival_check'))
    )
    with op.batch_alter_table('survival_check', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_survival_check_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_survival_check_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_survival_check_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_survival_check_state'), ['state'], unique=False)
        batch_op.create_index('uq_survival_check_waiting', ['person_id'], unique=True, sqlite_where=sa.text("state IN ('open', 'visit')"), postgresql_where=sa.text("state IN ('open', 'visit')"))

    op.create_table('survival_duty',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('next_on', sa.Date(), nullable=False),
    sa.Column('begun_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('begun_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('end_reason', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_survival_duty_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_survival_duty_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survival_duty'))
    )
    with op.batch_alter_table('survival_duty', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_survival_duty_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_survival_duty_next_on'), ['next_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_survival_duty_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_survival_duty', ['person_id', 'kind'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('suspicion',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('one_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('two_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('one_district', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('two_district', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('score', sa.Integer(), nullable=False),
    sa.Column('likely', sa.Boolean(), nullable=False),
    sa.Column('agreement', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('facts_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('state', sa.Enum('open', 'later', 'same', 'different', name='suspicionstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('raised_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('aid_seen_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('changed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint('minutes >= 0', name=op.f('ck_suspicion_minutes')),
    sa.CheckConstraint('one_id < two_id', name=op.f('ck_suspicion_order')),
    sa.ForeignKeyConstraint(['one_id'], ['person.id'], name=op.f('fk_suspicion_one_id')),
    sa.ForeignKeyConstraint(['two_id'], ['person.id'], name=op.f('fk_suspicion_two_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suspicion')),
    sa.UniqueConstraint('one_id', 'two_id', name=op.f('uq_suspicion_one_id_two_id'))
    )
    with op.batch_alter_table('suspicion', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_suspicion_one_district'), ['one_district'], unique=False)
        batch_op.create_index(batch_op.f('ix_suspicion_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_suspicion_two_district'), ['two_district'], unique=False)
        batch_op.create_index(batch_op.f('ix_suspicion_two_id'), ['two_id'], unique=False)

    op.create_table('totp_secret',
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('last_step', sa.Integer(), nullable=False),
    sa.Column('confirmed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_totp_secret_account_id')),
    sa.PrimaryKeyConstraint('account_id', name=op.f('pk_totp_secret'))
    )
    op.create_table('unserved_reason',
    sa.Column('run_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('covered_units', sa.BigInteger(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_unserved_reason_need_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_unserved_reason_run_id')),
    sa.PrimaryKeyConstraint('run_id', 'need_id', 'place', name=op.f('pk_unserved_reason'))
    )
    with op.batch_alter_table('unserved_reason', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_unserved_reason_code'), ['code'], unique=False)
        batch_op.create_index(batch_op.f('ix_unserved_reason_need_id'), ['need_id'], unique=False)

    op.create_table('visit_round',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('stops', sa.JSON(), nullable=False),
    sa.Column('by_hand', sa.Boolean(), nullable=False),
    sa.Column('planned_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_visit_round_account_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit_round')),
    sa.UniqueConstraint('account_id', 'on', name=op.f('uq_visit_round_account_id_on'))
    )
    op.create_table('webhook_event',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('client_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('object_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('state', sa.Enum('queued', 'sent', 'dead', name='webhookstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_try_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('leased_until', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('error_code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['api_client.id'], name=op.f('fk_webhook_event_client_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_event'))
    )
    with op.batch_alter_table('webhook_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_event_client_id'), ['client_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_webhook_event_next_try_at'), ['next_try_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_webhook_event_state'), ['state'], unique=False)

    op.create_table('wechat_tie',
    sa.Column('openid_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('phone_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('tied_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_wechat_tie_person_id')),
    sa.PrimaryKeyConstraint('openid_index', name=op.f('pk_wechat_tie'))
    )
    with op.batch_alter_table('wechat_tie', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_wechat_tie_person_id'), ['person_id'], unique=False)

    op.create_table('account_session',
    sa.Column('id_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('helper_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
    sa.Column('reads_only', sa.Boolean(), nullable=False),
    sa.Column('matters', sa.JSON(), nullable=False),
    sa.Column('stand_in_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('seen_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('method', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('pending', sa.Boolean(), nullable=False),
    sa.Column('proved_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_account_session_account_id')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_account_session_household_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_account_session_person_id')),
    sa.ForeignKeyConstraint(['stand_in_id'], ['stand_in.id'], name=op.f('fk_account_session_stand_in_id')),
    sa.PrimaryKeyConstraint('id_hash', name=op.f('pk_account_session'))
    )
    with op.batch_alter_table('account_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_account_session_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_account_session_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_account_session_helper_id'), ['helper_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_account_session_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_account_session_person_id'), ['person_id'], unique=False)

    op.create_table('aid_item',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('case_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('department', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('once_for', sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
    sa.Column('path', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('office', sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
    sa.Column('after', sa.JSON(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'running', 'stopped', 'granted', 'refused', 'not_needed', 'withdrawn', name='itemstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('special', sa.Boolean(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('notice_fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('covered_fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('paid_fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('asked_fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('note', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('started_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('due_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('holder', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('days_taken', sa.Integer(), nullable=False),
    sa.Column('month', sqlmodel.sql.sqltypes.AutoString(length=7), nullable=False),
    sa.Column('late_cause', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('late_with', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('pushed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('recalled_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('heard_seq', sa.Integer(), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('letter', sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
    sa.Column('found', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('stops', sa.Integer(), nullable=False),
    sa.Column('over_on', sa.Date(), nullable=True),
    sa.CheckConstraint("(state IN ('granted', 'refused')) <= (decided_at IS NOT NULL AND decided_by <> '')", name=op.f('ck_aid_item_decided')),
    sa.CheckConstraint("state <> 'refused' OR reason <> ''", name=op.f('ck_aid_item_reason')),
    sa.CheckConstraint('amount_fen >= 0', name=op.f('ck_aid_item_amount')),
    sa.ForeignKeyConstraint(['case_id'], ['aid_case.id'], name=op.f('fk_aid_item_case_id')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_aid_item_household_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_item')),
    sa.UniqueConstraint('case_id', 'code', 'path', name=op.f('uq_aid_item_case_id_code_path'))
    )
    with op.batch_alter_table('aid_item', schema=None) as batch_op:
        batch_op.create_index('ix_aid_item_back', ['department', 'id'], unique=False, sqlite_where=sa.text("pushed_at IS NOT NULL AND recalled_at IS NULL AND (state IN ('withdrawn', 'not_needed') OR over_on IS NOT NULL)"), postgresql_where=sa.text("pushed_at IS NOT NULL AND recalled_at IS NULL AND (state IN ('withdrawn', 'not_needed') OR over_on IS NOT NULL)"))
        batch_op.create_index(batch_op.f('ix_aid_item_case_id'), ['case_id'], unique=False)
        batch_op.create_index('ix_aid_item_due', ['district_code', 'due_at', 'id'], unique=False, sqlite_where=sa.text("state IN ('waiting', 'running')"), postgresql_where=sa.text("state IN ('waiting', 'running')"))
        batch_op.create_index(batch_op.f('ix_aid_item_household_id'), ['household_id'], unique=False)
        batch_op.create_index('ix_aid_item_month', ['month', 'office', 'code', 'days_taken', 'late_with', 'late_cause', 'stops'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_item_state'), ['state'], unique=False)
        batch_op.create_index('uq_aid_item_once', ['once_for', 'code'], unique=True, sqlite_where=sa.text("state IN ('waiting', 'running', 'stopped')"), postgresql_where=sa.text("state IN ('waiting', 'running', 'stopped')"))

    op.create_table('aid_paper',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('case_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sa.Enum('id_photo', 'bill', 'typed_name', 'drawn_name', 'thumbprint', 'witnessed', 'spoken', 'by_agent', name='paperkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('body', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('wording', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('recorded_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('recorded_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('size_bytes >= 0', name=op.f('ck_aid_paper_size')),
    sa.ForeignKeyConstraint(['case_id'], ['aid_case.id'], name=op.f('fk_aid_paper_case_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_aid_paper_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_paper'))
    )
    with op.batch_alter_table('aid_paper', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_aid_paper_case_id'), ['case_id'], unique=False)

    op.create_table('aid_upload',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('case_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('sent_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('received', sa.Integer(), nullable=False),
    sa.Column('begun_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('received BETWEEN 0 AND size_bytes', name=op.f('ck_aid_upload_received')),
    sa.ForeignKeyConstraint(['case_id'], ['aid_case.id'], name=op.f('fk_aid_upload_case_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_aid_upload_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_upload')),
    sa.UniqueConstraint('case_id', 'sent_by', 'sha256', name=op.f('uq_aid_upload_case_id_sent_by_sha256'))
    )
    with op.batch_alter_table('aid_upload', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_aid_upload_begun_at'), ['begun_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_upload_case_id'), ['case_id'], unique=False)

    op.create_table('cost_layer',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('bill_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('payer', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'none', 'expected', 'paid', name='layerstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('told_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("fen >= 0 AND (fen > 0) = (state IN ('expected', 'paid'))", name=op.f('ck_cost_layer_fen')),
    sa.ForeignKeyConstraint(['bill_id'], ['cost_bill.id'], name=op.f('fk_cost_layer_bill_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cost_layer')),
    sa.UniqueConstraint('bill_id', 'payer', name=op.f('uq_cost_layer_bill_id_payer'))
    )
    with op.batch_alter_table('cost_layer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_cost_layer_bill_id'), ['bill_id'], unique=False)

    op.create_table('line_decision',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('line_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('verdict', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('reason_text', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('audit_seq', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['audit_seq'], ['audit_row.seq'], name=op.f('fk_line_decision_audit_seq')),
    sa.ForeignKeyConstraint(['line_id'], ['proposed_line.id'], name=op.f('fk_line_decision_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_line_decision'))
    )
    with op.batch_alter_table('line_decision', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_line_decision_line_id'), ['line_id'], unique=False)

    op.create_table('match',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('line_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('offer_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('units', sa.BigInteger(), nullable=False),
    sa.Column('short_units', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('state', sa.Enum('awaiting_second', 'awaiting_giver', 'awaiting_household', 'in_delivery', 'delivered', 'confirmed', 'rejected', 'declined_giver', 'declined_household', 'cancelled', 'returned', 'closed', 'expired_giver', 'expired_household', 'given_back', 'reclaiming', 'reclaimed', 'held', name='matchstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('ledger_entry_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('approver_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('approver_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('second_approver_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('second_approver_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('consent_chain_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
    sa.Column('consent_version', sa.Integer(), nullable=True),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('delivery_note', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('held_for', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('at_once', sa.Boolean(), nullable=False),
    sa.Column('help_only', sa.Boolean(), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('giver_answered_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('household_answered_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('paid_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('delivered_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('confirmed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('closed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint('second_approver_id IS NULL OR second_approver_id NOT IN (approver_id, approver_for)', name=op.f('ck_match_two_people')),
    sa.CheckConstraint('short_units >= 0', name=op.f('ck_match_short')),
    sa.CheckConstraint('units > 0', name=op.f('ck_match_units')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_match_household_id')),
    sa.ForeignKeyConstraint(['ledger_entry_id'], ['ledger_entry.id'], name=op.f('fk_match_ledger_entry_id')),
    sa.ForeignKeyConstraint(['line_id'], ['proposed_line.id'], name=op.f('fk_match_line_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_match_need_id')),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_match_offer_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_match_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_match')),
    sa.UniqueConstraint('ledger_entry_id', name=op.f('uq_match_ledger_entry_id')),
    sa.UniqueConstraint('line_id', name=op.f('uq_match_line_id'))
    )
    with op.batch_alter_table('match', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_match_asked_at'), ['asked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_match_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_match_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_match_need_id'), ['need_id'], unique=False)
        batch_op.create_index('ix_match_of_giver', ['org_id', 'state', 'updated_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_match_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index('ix_match_open', ['updated_at', 'id', 'state', 'district_code'], unique=False, sqlite_where=sa.text("state IN ('awaiting_giver', 'awaiting_household', 'awaiting_second', 'delivered', 'held', 'in_delivery')"), postgresql_where=sa.text("state IN ('awaiting_giver', 'awaiting_household', 'awaiting_second', 'delivered', 'held', 'in_delivery')"))
        batch_op.create_index(batch_op.f('ix_match_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_match_state'), ['state'], unique=False)
        batch_op.create_index('ix_match_under_way', ['org_id', 'updated_at', 'id', 'state', 'district_code'], unique=False, sqlite_where=sa.text("state IN ('delivered', 'in_delivery')"), postgresql_where=sa.text("state IN ('delivered', 'in_delivery')"))
        batch_op.create_index(batch_op.f('ix_match_updated_at'), ['updated_at'], unique=False)
        batch_op.create_index('ix_match_waiting', ['state', 'updated_at', 'id', 'district_code'], unique=False)
        batch_op.create_index('uq_match_live', ['need_id', 'offer_id'], unique=True, sqlite_where=sa.text("state IN ('awaiting_second', 'awaiting_giver', 'awaiting_household', 'in_delivery', 'delivered', 'held')"), postgresql_where=sa.text("state IN ('awaiting_second', 'awaiting_giver', 'awaiting_household', 'in_delivery', 'delivered', 'held')"))

    op.create_table('source_dispute',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('request_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('field', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('state', sa.Enum('open', 'corrected', 'upheld', name='disputestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('opened_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('opened_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('due_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('answered_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['request_id'], ['right_request.id'], name=op.f('fk_source_dispute_request_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_source_dispute'))
    )
    with op.batch_alter_table('source_dispute', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_source_dispute_request_id'), ['request_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_source_dispute_state'), ['state'], unique=False)
        batch_op.create_index('uq_source_dispute_open', ['request_id'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('visit_entry',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('visit_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('no', sa.Integer(), nullable=False),
    sa.Column('field', sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
    sa.Column('value', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('note', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('state', sa.Enum('standing', 'past', 'beside', name='entrystate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('was_beside', sa.Boolean(), nullable=False),
    sa.Column('base', sa.Integer(), nullable=False),
    sa.Column('author', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('written_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('received_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_visit_entry_person_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['home_visit.id'], name=op.f('fk_visit_entry_visit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit_entry')),
    sa.UniqueConstraint('visit_id', 'no', name=op.f('uq_visit_entry_visit_id_no'))
    )
    with op.batch_alter_table('visit_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_visit_entry_visit_id'), ['visit_id'], unique=False)
        batch_op.create_index('uq_visit_entry_standing', ['visit_id', 'field'], unique=True, sqlite_where=sa.text("state = 'standing'"), postgresql_where=sa.text("state = 'standing'"))

    op.create_table('visit_photo',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('visit_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('body', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('recorded_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('recorded_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_visit_photo_person_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['home_visit.id'], name=op.f('fk_visit_photo_visit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit_photo'))
    )
    with op.batch_alter_table('visit_photo', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_visit_photo_visit_id'), ['visit_id'], unique=False)

    op.create_table('visit_sync',
    sa.Column('key', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('visit_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('author', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('received_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['visit_id'], ['home_visit.id'], name=op.f('fk_visit_sync_visit_id')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_visit_sync'))
    )
    with op.batch_alter_table('visit_sync', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_visit_sync_visit_id'), ['visit_id'], unique=False)

    op.create_table('aid_objection',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('item_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('text', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('raised_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('code_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('finding', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('upheld', sa.Boolean(), nullable=False),
    sa.Column('answered_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('answered_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['item_id'], ['aid_item.id'], name=op.f('fk_aid_objection_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_objection'))
    )
    with op.batch_alter_table('aid_objection', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_aid_objection_code_index'), ['code_index'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_objection_item_id'), ['item_id'], unique=False)

    op.create_table('aid_paper_check',
    sa.Column('paper_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('fits', sa.Boolean(), nullable=False),
    sa.Column('checked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('checked_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['paper_id'], ['aid_paper.id'], name=op.f('fk_aid_paper_check_paper_id')),
    sa.PrimaryKeyConstraint('paper_id', name=op.f('pk_aid_paper_check'))
    )
    op.create_table('aid_review',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('item_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('opened_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('finding', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('done_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('done_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(done_at IS NULL) = (outcome = '')", name=op.f('ck_aid_review_done')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_aid_review_household_id')),
    sa.ForeignKeyConstraint(['item_id'], ['aid_item.id'], name=op.f('fk_aid_review_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_review'))
    )
    with op.batch_alter_table('aid_review', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_aid_review_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_review_due_on'), ['due_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_review_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_review_item_id'), ['item_id'], unique=False)
        batch_op.create_index('uq_aid_review_waiting', ['item_id'], unique=True, sqlite_where=sa.text('done_at IS NULL'), postgresql_where=sa.text('done_at IS NULL'))

    op.create_table('aid_step',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('item_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('case_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('no', sa.Integer(), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('holder', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('limit_days', sa.Integer(), nullable=False),
    sa.Column('unit', sa.Enum('working_day', 'calendar_day', 'next_month', name='unit', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('started_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('due_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('stopped_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('left_days', sa.Integer(), nullable=True),
    sa.Column('stopped_days', sa.Integer(), nullable=False),
    sa.Column('ran_from', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('stopped_for', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('urged', sa.Integer(), nullable=False),
    sa.Column('ended_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('ended_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.CheckConstraint('(stopped_at IS NULL) = (left_days IS NULL)', name=op.f('ck_aid_step_stopped')),
    sa.CheckConstraint('limit_days > 0', name=op.f('ck_aid_step_limit')),
    sa.ForeignKeyConstraint(['case_id'], ['aid_case.id'], name=op.f('fk_aid_step_case_id')),
    sa.ForeignKeyConstraint(['item_id'], ['aid_item.id'], name=op.f('fk_aid_step_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_step'))
    )
    with op.batch_alter_table('aid_step', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_aid_step_case_id'), ['case_id'], unique=False)
        batch_op.create_index('ix_aid_step_due', ['code', 'due_at'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.create_index(batch_op.f('ix_aid_step_item_id'), ['item_id'], unique=False)
        batch_op.create_index('uq_aid_step_running', ['item_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('aid_upload_piece',
    sa.Column('upload_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('starts_at', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('body', marketplace.sealed.SealedType(), nullable=True),
    sa.ForeignKeyConstraint(['upload_id'], ['aid_upload.id'], name=op.f('fk_aid_upload_piece_upload_id')),
    sa.PrimaryKeyConstraint('upload_id', 'starts_at', name=op.f('pk_aid_upload_piece'))
    )
    op.create_table('appointment',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('choice_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('starts_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ends_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('place', sa.Enum('home', 'phone', 'station', name='place', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('units', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'agreed', 'done', 'no_show_volunteer', 'no_show_household', 'cancelled', name='appointmentstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('wish', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=True),
    sa.Column('content', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('rating', sa.Integer(), nullable=True),
    sa.Column('created_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('answered_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('closed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_appointment_window')),
    sa.CheckConstraint('minutes IS NULL OR (minutes >= 1 AND minutes <= 1440)', name=op.f('ck_appointment_minutes')),
    sa.CheckConstraint('rating IS NULL OR (rating >= 1 AND rating <= 5)', name=op.f('ck_appointment_rating')),
    sa.CheckConstraint('units > 0', name=op.f('ck_appointment_units')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_appointment_household_id')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_appointment_match_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_appointment_org_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appointment'))
    )
    with op.batch_alter_table('appointment', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_appointment_choice_id'), ['choice_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_appointment_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_appointment_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_appointment_match_id'), ['match_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_appointment_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_appointment_starts_at'), ['starts_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_appointment_state'), ['state'], unique=False)

    op.create_table('follow_up',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('answered_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('own_answer', sa.Boolean(), nullable=False),
    sa.Column('satisfaction', sa.Integer(), nullable=False),
    sa.Column('remains', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('staff_minutes', sa.Integer(), nullable=True),
    sa.Column('helper_minutes', sa.Integer(), nullable=True),
    sa.Column('complaint', sa.Boolean(), nullable=False),
    sa.Column('settlement', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('settled_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('settled_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('satisfaction BETWEEN 1 AND 5', name=op.f('ck_follow_up_satisfaction')),
    sa.CheckConstraint('staff_minutes >= 0 AND helper_minutes >= 0', name=op.f('ck_follow_up_minutes')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_follow_up_match_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_follow_up')),
    sa.UniqueConstraint('match_id', name=op.f('uq_follow_up_match_id'))
    )
    with op.batch_alter_table('follow_up', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_follow_up_complaint'), ['complaint'], unique=False)
        batch_op.create_index(batch_op.f('ix_follow_up_created_at'), ['created_at'], unique=False)

    op.create_table('giver_result',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=True),
    sa.Column('told_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('minutes >= 0', name=op.f('ck_giver_result_minutes')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_giver_result_match_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_giver_result')),
    sa.UniqueConstraint('match_id', name=op.f('uq_giver_result_match_id'))
    )
    with op.batch_alter_table('giver_result', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_giver_result_created_at'), ['created_at'], unique=False)

    op.create_table('household_call',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('match_state', sa.Enum('awaiting_second', 'awaiting_giver', 'awaiting_household', 'in_delivery', 'delivered', 'confirmed', 'rejected', 'declined_giver', 'declined_household', 'cancelled', 'returned', 'closed', 'expired_giver', 'expired_household', 'given_back', 'reclaiming', 'reclaimed', 'held', name='matchstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('outcome', sa.Enum('wants', 'declines', 'received', 'not_received', 'not_reached', name='calloutcome', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('called_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('called_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_household_call_match_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_household_call'))
    )
    with op.batch_alter_table('household_call', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_household_call_match_id'), ['match_id'], unique=False)

    op.create_table('insurance_case',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('reference', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('kind', sa.Enum('enrol', 'claim', name='casekind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state', sa.Enum('enrol', 'find', 'help', 'papers', 'answer', 'enrolled', 'not_enrolled', 'no_cover', 'paid', 'refused', 'ended', name='casestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('urgent', sa.Boolean(), nullable=False),
    sa.Column('scheme', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('policy_number', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('papers', sa.JSON(), nullable=False),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('payout_fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('payout_key', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('opened_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('closed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'paid') = (payout_fen > 0)", name=op.f('ck_insurance_case_paid')),
    sa.CheckConstraint('payout_fen >= 0', name=op.f('ck_insurance_case_payout')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_insurance_case_household_id')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_insurance_case_match_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_insurance_case_org_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_insurance_case_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_insurance_case')),
    sa.UniqueConstraint('match_id', name=op.f('uq_insurance_case_match_id')),
    sa.UniqueConstraint('reference', name=op.f('uq_insurance_case_reference'))
    )
    with op.batch_alter_table('insurance_case', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_insurance_case_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_insurance_case_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_insurance_case_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_insurance_case_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_insurance_case_updated_at'), ['updated_at'], unique=False)

    op.create_table('match_review',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('cause_ref', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('field', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('finding', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'kept', 'ended', 'listed', name='reviewstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('found_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_match_review_household_id')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_match_review_match_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_match_review'))
    )
    with op.batch_alter_table('match_review', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_match_review_cause_ref'), ['cause_ref'], unique=False)
        batch_op.create_index(batch_op.f('ix_match_review_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_match_review_match_id'), ['match_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_match_review_state'), ['state'], unique=False)

    op.create_table('offer_code',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('match_state', sa.Enum('awaiting_second', 'awaiting_giver', 'awaiting_household', 'in_delivery', 'delivered', 'confirmed', 'rejected', 'declined_giver', 'declined_household', 'cancelled', 'returned', 'closed', 'expired_giver', 'expired_household', 'given_back', 'reclaiming', 'reclaimed', 'held', name='matchstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('code_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('data_fields', sa.JSON(), nullable=False),
    sa.Column('lang', sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
    sa.Column('template', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('template_version', sa.Integer(), nullable=False),
    sa.Column('script', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('basis_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('state', sa.Enum('open', 'used', 'void', name='codestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('answer', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('made_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('made_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ends_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('used_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('used_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'used') = (used_at IS NOT NULL)", name=op.f('ck_offer_code_used')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_offer_code_household_id')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_offer_code_match_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_offer_code_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offer_code')),
    sa.UniqueConstraint('code_index', name=op.f('uq_offer_code_code_index'))
    )
    with op.batch_alter_table('offer_code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_offer_code_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_offer_code_match_id'), ['match_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_offer_code_state'), ['state'], unique=False)

    op.create_table('payment_line',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('batch_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('payee_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('reference', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('account_mark', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'paid', 'paid_twice', 'failed', 'returned', 'reclaimed', 'dropped', name='linestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('stop_asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('changed_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_payment_line_amount')),
    sa.ForeignKeyConstraint(['batch_id'], ['payment_batch.id'], name=op.f('fk_payment_line_batch_id')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_payment_line_household_id')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_payment_line_match_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_payment_line_org_id')),
    sa.ForeignKeyConstraint(['payee_id'], ['payee.id'], name=op.f('fk_payment_line_payee_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_line')),
    sa.UniqueConstraint('reference', name=op.f('uq_payment_line_reference'))
    )
    with op.batch_alter_table('payment_line', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payment_line_batch_id'), ['batch_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_payment_line_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_payment_line_match_id'), ['match_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_payment_line_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_payment_line_payee_id'), ['payee_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_payment_line_state'), ['state'], unique=False)
        batch_op.create_index('uq_payment_line_live', ['match_id'], unique=True, sqlite_where=sa.text("state IN ('waiting', 'paid')"), postgresql_where=sa.text("state IN ('waiting', 'paid')"))

    op.create_table('proof',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sa.Enum('batch', 'scan', 'photo', 'typed_name', 'drawn_name', 'paper_slip', name='proofkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('body', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('envelope_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('for_publicity', sa.Boolean(), nullable=False),
    sa.Column('recorded_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('recorded_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('size_bytes >= 0', name=op.f('ck_proof_size')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_proof_match_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_proof_org_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_proof_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_proof'))
    )
    with op.batch_alter_table('proof', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_proof_match_id'), ['match_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_proof_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_proof_recorded_at'), ['recorded_at'], unique=False)

    op.create_table('urgent_approval',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('night_on', sa.Date(), nullable=False),
    sa.Column('value_fen', sa.BigInteger(), nullable=False),
    sa.Column('verifier_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('verifier_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('approver_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('approver_for', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('approved_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'confirmed', 'reclaim', 'regularise', name='reviewstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('review_reason', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('reviewed_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('reviewed_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('asked', sa.Boolean(), nullable=False),
    sa.Column('follows_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('passed_on', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.CheckConstraint("reviewed_by = '' OR reviewed_by NOT IN (verifier_id, verifier_for, approver_id, approver_for)", name=op.f('ck_urgent_approval_reviewer')),
    sa.CheckConstraint('value_fen >= 0', name=op.f('ck_urgent_approval_value')),
    sa.CheckConstraint('verifier_id <> approver_id', name=op.f('ck_urgent_approval_two_people')),
    sa.ForeignKeyConstraint(['follows_id'], ['urgent_approval.id'], name=op.f('fk_urgent_approval_follows_id')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_urgent_approval_household_id')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_urgent_approval_match_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_urgent_approval_need_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_urgent_approval')),
    sa.UniqueConstraint('match_id', name=op.f('uq_urgent_approval_match_id'))
    )
    with op.batch_alter_table('urgent_approval', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_urgent_approval_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_urgent_approval_follows_id'), ['follows_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_urgent_approval_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_urgent_approval_need_id'), ['need_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_urgent_approval_night_on'), ['night_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_urgent_approval_state'), ['state'], unique=False)

    op.create_table('aid_escalation',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('step_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('item_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('raised_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('level BETWEEN 1 AND 4', name=op.f('ck_aid_escalation_level')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_aid_escalation_account_id')),
    sa.ForeignKeyConstraint(['item_id'], ['aid_item.id'], name=op.f('fk_aid_escalation_item_id')),
    sa.ForeignKeyConstraint(['step_id'], ['aid_step.id'], name=op.f('fk_aid_escalation_step_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_escalation')),
    sa.UniqueConstraint('step_id', 'level', name=op.f('uq_aid_escalation_step_id_level'))
    )
    with op.batch_alter_table('aid_escalation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_aid_escalation_item_id'), ['item_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_escalation_step_id'), ['step_id'], unique=False)

    op.create_table('aid_order',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('number', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('step_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('item_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('household_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('office', sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('account', marketplace.sealed.SealedType(), nullable=True),
    sa.Column('ordered_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('voucher', sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('paid_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('paid_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('month', sqlmodel.sql.sqltypes.AutoString(length=7), nullable=False),
    sa.Column('late_cause', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.CheckConstraint("(paid_at IS NULL) = (voucher = '')", name=op.f('ck_aid_order_paid')),
    sa.CheckConstraint("paid_at IS NULL OR (paid_on IS NOT NULL AND paid_by <> '' AND month <> '')", name=op.f('ck_aid_order_voucher')),
    sa.CheckConstraint('amount_fen >= 0', name=op.f('ck_aid_order_amount')),
    sa.ForeignKeyConstraint(['household_id'], ['household.id'], name=op.f('fk_aid_order_household_id')),
    sa.ForeignKeyConstraint(['item_id'], ['aid_item.id'], name=op.f('fk_aid_order_item_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_aid_order_person_id')),
    sa.ForeignKeyConstraint(['step_id'], ['aid_step.id'], name=op.f('fk_aid_order_step_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_aid_order')),
    sa.UniqueConstraint('number', name=op.f('uq_aid_order_number')),
    sa.UniqueConstraint('step_id', name=op.f('uq_aid_order_step_id'))
    )
    with op.batch_alter_table('aid_order', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_aid_order_household_id'), ['household_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_aid_order_item_id'), ['item_id'], unique=False)
        batch_op.create_index('ix_aid_order_month', ['month', 'office', 'code', 'late_cause'], unique=False)

    op.create_table('appointment_booking',
    sa.Column('appointment_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('volunteer_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_appointment_booking_appointment_id')),
    sa.ForeignKeyConstraint(['volunteer_id'], ['volunteer.id'], name=op.f('fk_appointment_booking_volunteer_id')),
    sa.PrimaryKeyConstraint('appointment_id', 'volunteer_id', name=op.f('pk_appointment_booking'))
    )
    with op.batch_alter_table('appointment_booking', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_appointment_booking_volunteer_id'), ['volunteer_id'], unique=False)

    op.create_table('appointment_hold',
    sa.Column('person_index', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('slot', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('appointment_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_appointment_hold_appointment_id')),
    sa.PrimaryKeyConstraint('person_index', 'slot', name=op.f('pk_appointment_hold'))
    )
    with op.batch_alter_table('appointment_hold', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_appointment_hold_appointment_id'), ['appointment_id'], unique=False)

    op.create_table('bank_number',
    sa.Column('line_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sa.Enum('paid', 'failed', 'returned', 'reclaimed', name='resultkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('bank_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('import_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('told_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['import_id'], ['import_batch.id'], name=op.f('fk_bank_number_import_id')),
    sa.ForeignKeyConstraint(['line_id'], ['payment_line.id'], name=op.f('fk_bank_number_line_id')),
    sa.PrimaryKeyConstraint('line_id', 'kind', name=op.f('pk_bank_number'))
    )
    op.create_table('bank_result',
    sa.Column('line_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sa.Enum('paid', 'failed', 'returned', 'reclaimed', name='resultkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('match_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.Column('month', sqlmodel.sql.sqltypes.AutoString(length=7), nullable=False),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('bank_ref', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('import_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('told_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_bank_result_amount')),
    sa.ForeignKeyConstraint(['import_id'], ['import_batch.id'], name=op.f('fk_bank_result_import_id')),
    sa.ForeignKeyConstraint(['line_id'], ['payment_line.id'], name=op.f('fk_bank_result_line_id')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_bank_result_match_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_bank_result_org_id')),
    sa.PrimaryKeyConstraint('line_id', 'kind', name=op.f('pk_bank_result'))
    )
    with op.batch_alter_table('bank_result', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bank_result_match_id'), ['match_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_bank_result_month'), ['month'], unique=False)
        batch_op.create_index(batch_op.f('ix_bank_result_org_id'), ['org_id'], unique=False)

    op.create_table('payout_change',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('case_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('fen', sa.BigInteger(), nullable=False),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('reason_code', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('asked_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('decided_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('agreed', sa.Boolean(), nullable=False),
    sa.CheckConstraint('(fen > 0) = (paid_on IS NOT NULL)', name=op.f('ck_payout_change_payout')),
    sa.CheckConstraint('decided_by IS NULL OR decided_by <> asked_by', name=op.f('ck_payout_change_two_people')),
    sa.CheckConstraint('fen >= 0', name=op.f('ck_payout_change_fen')),
    sa.ForeignKeyConstraint(['case_id'], ['insurance_case.id'], name=op.f('fk_payout_change_case_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_change'))
    )
    with op.batch_alter_table('payout_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payout_change_asked_at'), ['asked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_payout_change_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_payout_change_district_code'), ['district_code'], unique=False)
        batch_op.create_index('uq_payout_change_open', ['case_id'], unique=True, sqlite_where=sa.text('decided_at IS NULL'), postgresql_where=sa.text('decided_at IS NULL'))

    op.create_table('payout_overlap',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('case_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('need_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('district_code', sqlmodel.sql.sqltypes.AutoString(length=6), nullable=False),
    sa.Column('over_fen', sa.BigInteger(), nullable=False),
    sa.Column('decision', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('settled_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('settled_at', marketplace.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('over_fen >= 0', name=op.f('ck_payout_overlap_over')),
    sa.ForeignKeyConstraint(['case_id'], ['insurance_case.id'], name=op.f('fk_payout_overlap_case_id')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_payout_overlap_need_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_overlap'))
    )
    with op.batch_alter_table('payout_overlap', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payout_overlap_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_payout_overlap_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_payout_overlap_district_code'), ['district_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_payout_overlap_need_id'), ['need_id'], unique=False)
        batch_op.create_index('uq_payout_overlap_open', ['case_id', 'need_id'], unique=True, sqlite_where=sa.text('settled_at IS NULL'), postgresql_where=sa.text('settled_at IS NULL'))

    op.create_table('report_photo',
    sa.Column('report_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('proof_id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.ForeignKeyConstraint(['proof_id'], ['proof.id'], name=op.f('fk_report_photo_proof_id')),
    sa.ForeignKeyConstraint(['report_id'], ['project_report.id'], name=op.f('fk_report_photo_report_id')),
    sa.PrimaryKeyConstraint('report_id', 'proof_id', name=op.f('pk_report_photo'))
    )
    with op.batch_alter_table('report_photo', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_photo_proof_id'), ['proof_id'], unique=False)

    op.create_table('service_record',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('org_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('volunteer_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('appointment_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('category', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('content', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('started_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('rating', sa.Integer(), nullable=True),
    sa.Column('void', sa.Boolean(), nullable=False),
    sa.Column('void_reason', sqlmodel.sql.sqltypes.AutoString(length=48), nullable=False),
    sa.Column('created_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('minutes >= 1 AND minutes <= 1440', name=op.f('ck_service_record_minutes')),
    sa.CheckConstraint('rating IS NULL OR (rating >= 1 AND rating <= 5)', name=op.f('ck_service_record_rating')),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_service_record_appointment_id')),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id'], name=op.f('fk_service_record_org_id')),
    sa.ForeignKeyConstraint(['volunteer_id'], ['volunteer.id'], name=op.f('fk_service_record_volunteer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_service_record')),
    sa.UniqueConstraint('volunteer_id', 'appointment_id', name='uq_service_record_once')
    )
    with op.batch_alter_table('service_record', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_service_record_appointment_id'), ['appointment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_service_record_org_id'), ['org_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_service_record_started_at'), ['started_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_service_record_volunteer_id'), ['volunteer_id'], unique=False)

    op.create_table('sms_in',
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(length=24), nullable=False),
    sa.Column('code_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('read_at', marketplace.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['code_id'], ['offer_code.id'], name=op.f('fk_sms_in_code_id')),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_sms_in'))
    )
    op.execute("INSERT INTO audit_head (id, seq, hash, at) VALUES (1, 0, '" + "0" * 64 + "', '')")
    for statement in triggers.statements(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("the first tables have no earlier version: restore a backup instead")
