//! Plain data that crosses a boundary: between processes, crates, and into files. This crate uses no other one.

mod activation;
mod advance;
mod compare;
mod estimate;
mod experiment;
mod figure;
mod finding_keys;
mod finite;
mod fork;
mod limits;
mod metric;
mod race_findings;
mod run;
mod run_filter;
mod run_labels;
mod steering;
mod stored_as_text;
mod study;
mod text;
mod time_text;
mod unreadable;
mod view;
mod wire;
mod wrong_images;

pub use activation::{ACTIVATIONS, Activation, ActivationEntry, Parameter, ParameterEntry, SELU_ALPHA, SELU_SCALE};
pub use advance::Advance;
pub use compare::{MILESTONE, Milestone, is_at_or_below, is_compared, mean_and_deviation};
pub use estimate::{Basis, Estimate, RunTiming, Timings};
pub use experiment::*;
pub use figure::{
    AxisScale, Bar, Bars, Code, Figure, Finding, ImageGrid, Plot, PlotAxis, PlotBand, PlotMark, PlotPlace, PlotSeries,
    Regions, Source, SpreadKind, Stroke, Table, TablePlace, UnitState, Units,
};
pub use finding_keys::{RACE_FINDING_KEYS, matches_any};
pub use fork::{Fork, forked_steerings, forked_study};
pub use metric::{Better, EpochRecord, Layer, LayerKind, METRICS, Measurement, Measurements, Metric, MetricEntry};
pub use race_findings::{layer_finding_keys, layer_findings, race_findings, run_finding_keys, run_findings};
pub use run::{Progress, RunEvent, RunId, RunState, RunSummary};
pub use run_filter::{RunFilter, SettingsText};
pub use run_labels::{LONGEST_NAME, LONGEST_NOTES, RunTag, format_tags};
pub use steering::{
    SteeredSetting, Steering, arm_history, describe_steerings, effective_steerings, steered_arms, steered_rate,
};
pub use study::{
    Activations, Arm, ArmId, ArmSettings, Backend, CellResult, DataSource, DifferingSetting, Draft, DraftArm, Drops,
    Init, Inputs, Lane, LaneResults, Network, Norm, Preset, SETTINGS, Schedule, Setting, SettingValue, SpecError,
    StepPlace, Study, Sweep, SweepAxis, SweepCell, SweepProgress, Widths, best_cells, differing_settings, grouped,
    tied_cells,
};
pub use text::{
    clean_id, escape_controls, escape_json, escape_line, format_real, id_fault, is_bidi_control, is_terminal_control,
};
pub use time_text::{format_clock, format_count, format_date, format_duration, format_estimate};
pub use unreadable::{Subject, Unreadable};
pub use view::{
    Ablated, Bins, ConfusionMatrix, ImageSplit, LayerFilters, LayerGradients, LayerHistogram, LayerMaps, LayerUnits,
    Mistake, Optimised, Response, Seen, SeenImage, SeenProducts, SeenShape, Surgery, UnitChange, View, ViewAnswer,
    ViewImage, ViewKind, ViewRequest, ViewSubject,
};
pub use wire::{
    CellEvent, CellKey, ErrorKind, Event, Hello, KernelStatus, PROTOCOL_VERSION, Reply, Request, RequestBody,
    ServerLine, StartLine,
};
pub use wrong_images::{ImageSet, WrongImages};
