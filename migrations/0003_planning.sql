-- Planning runs, their artifacts and parked ideas.

CREATE TABLE planning_runs (
  id TEXT PRIMARY KEY,
  idea TEXT NOT NULL,
  refined_idea TEXT,
  status TEXT NOT NULL DEFAULT 'running',
  current_phase TEXT,
  quality_score REAL,
  revenue_potential REAL,
  workflow_instance_id TEXT,
  kill_verdict TEXT,
  pivot_count INTEGER DEFAULT 0,
  package_key TEXT,
  mode TEXT DEFAULT 'cloud',
  config TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);

CREATE INDEX idx_runs_status ON planning_runs(status);
CREATE INDEX idx_runs_created ON planning_runs(created_at);

CREATE TABLE planning_artifacts (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  phase TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  content TEXT NOT NULL,
  review_verdict TEXT,
  overall_score REAL,
  created_at INTEGER NOT NULL,
  FOREIGN KEY (run_id) REFERENCES planning_runs(id)
);

CREATE INDEX idx_artifacts_run ON planning_artifacts(run_id);
CREATE INDEX idx_artifacts_phase ON planning_artifacts(run_id, phase);

CREATE TABLE planning_parked_ideas (
  id TEXT PRIMARY KEY,
  idea TEXT NOT NULL,
  refined_idea TEXT,
  run_id TEXT,
  source_phase TEXT,
  reason TEXT,
  artifact_summary TEXT,
  revisit_estimate_months INTEGER,
  revisit_estimate_note TEXT,
  created_at INTEGER NOT NULL
);

CREATE INDEX idx_parked_source ON planning_parked_ideas(source_phase);
