# Shanqiao: every command a newcomer needs. `make` alone prints this list.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PORT ?= 8000
SEED ?= 7
PY := .venv/bin/python

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk 'BEGIN {FS = ":.*## "}; {printf "  make %-10s %s\n", $$1, $$2}'

setup: .venv/.runtime ## Make .venv and install the locked packages
	@true

.venv/bin/python:
	@scripts/venv.sh

.venv/.runtime: requirements.lock pyproject.toml | .venv/bin/python
	@scripts/install.sh requirements.lock $@

.venv/.dev: requirements-dev.lock pyproject.toml | .venv/bin/python
	@scripts/install.sh requirements-dev.lock $@
	@touch .venv/.runtime

demo: setup ## Run the whole job on an embedded database and serve it (ONCE=1: print the result and stop)
	@.venv/bin/shanqiao demo --seed $(SEED) --port $(PORT) $(if $(ONCE),--once,)

test: .venv/.dev ## Install what tests need, then run every test
	@scripts/browser.sh
	@ENGINES=turns $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/.dev ## Linters, types and the import contracts
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports

e2e: .venv/.dev ## Every page in all eight combinations of language, text size and width
	@scripts/browser.sh
	@PAGES=all $(PY) -m pytest -n 2 --dist loadfile tests/browser

torture: .venv/.dev ## Long campaigns: random problems against brute force, kills, races
	@TORTURE=1 $(PY) -m pytest -n 2 tests

bench: .venv/.dev ## The published figures, results under bench/results (PPE_DATA=DIR: the real requests too)
	@PYTHONPATH=. $(PY) bench/allocate.py
	@PYTHONPATH=. $(PY) bench/city.py
	@PYTHONPATH=. $(PY) bench/stability.py
	@PYTHONPATH=. $(PY) bench/repeats.py
	@PYTHONPATH=. $(PY) bench/growth.py
	@PYTHONPATH=. $(PY) bench/small_parts.py
	@PYTHONPATH=. $(PY) bench/pathologies.py
	@PYTHONPATH=. $(PY) bench/campaign.py
	@PYTHONPATH=. $(PY) bench/flips.py
	@PYTHONPATH=. $(PY) bench/whatif.py --needs 4000 --resources 200
	@PYTHONPATH=. $(PY) bench/families.py
	@PYTHONPATH=. $(PY) bench/quote.py
	@PYTHONPATH=. $(PY) bench/audit.py
	@PYTHONPATH=. $(PY) bench/nation.py
	@PYTHONPATH=. $(PY) bench/desk.py
	@PYTHONPATH=. $(PY) bench/overlap.py
	@PYTHONPATH=. $(PY) bench/deadlines.py
	@PYTHONPATH=. $(PY) bench/desk_lists.py
	@$(if $(PPE_DATA),PYTHONPATH=. $(PY) bench/ppe.py --data $(PPE_DATA),echo "bench/ppe.py was left out: PPE_DATA names no folder")

figures: .venv/.dev ## Write the results of the benches into the README and docs/goals.md
	@PYTHONPATH=. $(PY) scripts/figures.py

screens: .venv/.dev ## Draw the pictures under docs/screens
	@PYTHONPATH=. $(PY) scripts/screens.py

words: .venv/.dev ## Add new sentences to the Chinese catalogues and list what lacks its words
	@PYTHONPATH=. $(PY) scripts/translate.py

vendor: ## Fetch the vendored front-end files anew and check them (needs npm)
	@scripts/vendor.sh

mutate: .venv/.dev ## Put small faults into the rooms of trust and count how many the tests find (ARGS="--sample 200 --seconds 7200")
	@PYTHONPATH=. $(PY) scripts/mutate.py $(ARGS)

TRUST_TESTS := tests/house/test_access.py $(addprefix tests/marketplace/test_,$(addsuffix .py,policy consent_changes consent_life \
	consent_notice consent_refusals consent_walk sealed keys audit trail trail_tree trust_pages withdrawal second_factors standins proxies \
	partner_api partner_description partner_hooks partner_papers hostile_tokens assessments machines_pages emergency_pages \
	pipeline sharing_edges consent_pages config payments payments_pages staff_looks threats own_word proofs answers suspended_givers \
	reaching))

coverage: .venv/.dev ## Branches of policy, consent, sealed, audit and sharing that the tests of these rooms do not take; fails below 100 %
	@mkdir -p build
	@$(PY) -m coverage run -m pytest -p no:xdist -k "not postgres" $(TRUST_TESTS) && $(PY) -m coverage report

threats: .venv/.dev ## Write docs/threats.md and docs/asvs.md from the tests that are marked (ARGS=--run: run these first)
	@PYTHONPATH=. $(PY) scripts/security_pages.py $(ARGS)

sbom: .venv/.dev ## Write docs/sbom.json: what this software is made of (CycloneDX)
	@PYTHONPATH=. $(PY) scripts/sbom.py

tables: .venv/.dev ## Write the first migration anew from the models
	@.venv/bin/python scripts/first_tables.py

lock: ## Write both lock files anew (needs uv)
	@uv pip compile pyproject.toml --extra build --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements.lock -q
	@uv pip compile pyproject.toml --all-extras -c requirements.lock --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements-dev.lock -q

.PHONY: help setup demo test check e2e torture bench figures screens words vendor mutate coverage threats sbom tables lock
