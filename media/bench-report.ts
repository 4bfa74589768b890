/// <reference lib="dom" />

import type {
  BenchComparison,
  BenchReport,
  MeasureRatio,
  MeasureSummary,
  QualityReport,
  SkippedMeasure,
  VectorReport,
} from "../shared/bench-types.ts";
import { EXPORT_FORMATS, type ExportFormat } from "../shared/bench-types.ts";
import { asSentence } from "../shared/phrase.ts";
import { BenchFigure, type ChartSaver, type FigureContent } from "./bench-figure.ts";
import {
  advantage,
  areaTitle,
  bounds,
  dateOf,
  figure,
  kindOf,
  machineInWords,
  ratioVerdict,
  shortNumber,
  subjectInWords,
  times,
  unitInWords,
  worded,
} from "./bench-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

/** What can be done with what a report shows. */
export interface ReportActions {
  export(format: ExportFormat): void;
  readonly saveChart: ChartSaver;
  stopComparing(): void;
}

const FORMATS: Readonly<Record<ExportFormat, string>> = {
  json: l10n.t("Export JSON…"),
  csv: l10n.t("Export CSV…"),
  md: l10n.t("Export Markdown…"),
};

/** A run, whole or on its way: a sentence, charts with their tables, and what could not be measured. */
export class ReportView {
  readonly element = element("section", "report", { "aria-label": l10n.t("Results") });
  readonly #actions: ReportActions;
  readonly #head = element("div", "report-head");
  readonly #comparison = element("div", "comparison");
  readonly #figures = element("div", "figures-list");
  readonly #skipped = element("div", "skipped");
  /** By their names; what is shown already is changed in its place. */
  readonly #drawn = new Map<string, BenchFigure>();

  constructor(actions: ReportActions) {
    this.#actions = actions;
    this.element.append(this.#head, this.#comparison, this.#figures, this.#skipped);
  }

  showLive(measures: readonly MeasureSummary[]): void {
    this.#head.replaceChildren(...(measures.length > 0 ? [element("h2", "", {}, l10n.t("So far"))] : []));
    this.#comparison.replaceChildren();
    this.#skipped.replaceChildren();
    this.#draw(ofMeasures(measures));
  }

  show(report: BenchReport | undefined, comparison: BenchComparison | undefined): void {
    this.#head.replaceChildren(...(report ? this.#headOf(report) : []));
    this.#comparison.replaceChildren(...(comparison ? this.#headOfComparison(comparison) : []));
    this.#skipped.replaceChildren(...(report ? skipped(report.skipped) : []));
    const changes = comparison
      ? ofRatios("changes", l10n.t("The later run beside the earlier"), comparison.compared)
      : [];
    const weighed = report?.quality ? ofQuality(report.quality) : [];
    const kept = report?.vectors ? ofVectors(report.vectors) : [];
    // Their times are in the figures of what they are worth.
    const weighedIds = new Set([
      ...(report?.quality?.points.map(({ id }) => `quality/${id}`) ?? []),
      ...(report?.vectors?.points.map(({ id }) => `search/vectors-${id}`) ?? []),
    ]);
    const rest = report?.measures.filter(({ id }) => !weighedIds.has(id)) ?? [];
    const pairs = ofRatios("beside", l10n.t("Beside others, and before and after"), report?.compared ?? []);
    this.#draw([...changes, ...weighed, ...ofMeasures(rest), ...kept, ...pairs]);
  }

  #headOf({ run, verdict, warnings, measures }: BenchReport): HTMLElement[] {
    const about = [dateOf(run), kindOf(run), machineInWords(run.machine), subjectInWords(run)];
    const exports = EXPORT_FORMATS.map((format) => {
      const made = button(FORMATS[format], () => this.#actions.export(format), "button second");
      made.dataset.format = format;
      return made;
    });
    return [
      element("h2", "", {}, l10n.t("Results")),
      element("p", "total", {}, asSentence(worded(verdict))),
      ...about.filter(Boolean).map((text) => element("p", "dim", {}, text)),
      ...warnings.map((said) => element("p", "warning", {}, worded(said))),
      ...(measures.length > 0 ? [element("div", "actions", {}, ...exports)] : []),
    ];
  }

  #headOfComparison({ earlier, later, verdict }: BenchComparison): HTMLElement[] {
    const stop = button(l10n.t("Stop Comparing"), () => this.#actions.stopComparing(), "button second");
    return [
      element("h2", "", {}, l10n.t("Compared")),
      element("p", "total", {}, asSentence(worded(verdict))),
      element("p", "dim", {}, l10n.t("{0}, and then {1}", dateOf(earlier), dateOf(later))),
      element("div", "actions", {}, stop),
    ];
  }

  #draw(contents: readonly FigureContent[]): void {
    const wanted = new Set(contents.map(({ name }) => name));
    for (const [name, drawn] of this.#drawn) {
      if (wanted.has(name)) continue;
      drawn.drop();
      this.#drawn.delete(name);
    }
    let before: Element | null = null;
    for (const content of contents) {
      const drawn = this.#drawn.get(content.name) ?? new BenchFigure(this.#actions.saveChart);
      this.#drawn.set(content.name, drawn);
      const place: ChildNode | null = before ? before.nextSibling : this.#figures.firstChild;
      // What is in its place stays there: moving it would take the focus away.
      if (place !== drawn.element) this.#figures.insertBefore(drawn.element, place);
      before = drawn.element;
      drawn.show(content);
    }
  }
}

/** One figure for what is measured alike: an area, in one unit. */
function ofMeasures(measures: readonly MeasureSummary[]): FigureContent[] {
  const groups = Map.groupBy(measures, ({ area, unit }) => `${area} ${unit}`);
  return [...groups.values()].map((group) => {
    const [first] = group;
    return {
      name: `${first.area}-${first.unit.replace(/\W+/g, "-").replace("%", "share")}`,
      title: l10n.t("{0} in {1}", areaTitle(first.area), unitInWords(first)),
      axis: l10n.t("{0}: the median and its bounds (95%)", first.unit),
      rows: group.map((measure) => ({
        ...measure,
        name: worded(measure.name),
        value: measure.median,
        shown: figure(measure.median, measure.unit),
      })),
      heads: MEASURE_HEADS,
      cells: group.map(({ name, unit, median, low, high, p95, p99, rounds, outliers }) => [
        worded(name),
        figure(median, unit),
        bounds({ low, high }),
        shortNumber(p95),
        shortNumber(p99),
        l10n.number(rounds),
        l10n.number(outliers),
      ]),
    };
  });
}

const MEASURE_HEADS = [
  l10n.t("Measure"),
  l10n.t("Median"),
  l10n.t("Its bounds"),
  l10n.t("p95"),
  l10n.t("p99"),
  l10n.t("Rounds"),
  l10n.t("Outliers"),
];

/** What is on the Pareto front is worth its time: nothing else finds as well in less. */
function ofQuality({ set, queries, points }: QualityReport): FigureContent[] {
  if (points.length === 0) return [];
  return [
    {
      name: "quality-beside-speed",
      title: l10n.t("Quality beside speed: {0} queries, {1}", l10n.number(queries), worded(set)),
      axis: l10n.t("Milliseconds a query: less is better"),
      rows: [],
      scatter: {
        upAxis: l10n.t("NDCG@10: more is better"),
        points: points.map(({ name, ms, msLow, msHigh, ndcg10, low, high, onFront }) => ({
          name: worded(name),
          across: ms,
          acrossLow: msLow,
          acrossHigh: msHigh,
          up: ndcg10,
          upLow: low,
          upHigh: high,
          onFront,
        })),
      },
      heads: QUALITY_HEADS,
      cells: points.map(({ name, ndcg10, low, high, recall10, mrr, ms, onFront }) => [
        worded(name),
        shortNumber(ndcg10),
        bounds({ low, high }),
        shortNumber(recall10),
        shortNumber(mrr),
        figure(ms, "ms"),
        onFront ? l10n.t("yes") : l10n.t("no"),
      ]),
    },
  ];
}

const QUALITY_HEADS = [
  l10n.t("Way to search"),
  l10n.t("NDCG@10"),
  l10n.t("Its bounds"),
  l10n.t("Recall@10"),
  l10n.t("MRR"),
  l10n.t("Median"),
  l10n.t("On the Pareto front"),
];

/** Fewer bytes find less, but are faster to look through. */
function ofVectors({ model, dims, vectors, queries, points }: VectorReport): FigureContent[] {
  if (points.length === 0) return [];
  return [
    {
      name: "vectors-in-fewer-bytes",
      title: l10n.t(
        "Vectors in fewer bytes: {0} of {1} dimensions by {2}, {3} queries",
        l10n.number(vectors),
        l10n.number(dims),
        model,
        l10n.number(queries),
      ),
      axis: l10n.t("Milliseconds to look through all: less is better"),
      rows: [],
      scatter: {
        upAxis: l10n.t("Of the ten closest, how many are found: more is better"),
        points: points.map(({ name, ms, msLow, msHigh, recall10, low, high, onFront }) => ({
          name: worded(name),
          across: ms,
          acrossLow: msLow,
          acrossHigh: msHigh,
          up: recall10,
          upLow: low,
          upHigh: high,
          onFront,
        })),
      },
      heads: [
        l10n.t("Form"),
        l10n.t("Bytes each"),
        l10n.t("Recall@10"),
        l10n.t("Its bounds"),
        l10n.t("Median"),
        l10n.t("On the Pareto front"),
      ],
      cells: points.map(({ name, bytes, recall10, low, high, ms, onFront }) => [
        worded(name),
        l10n.number(bytes),
        recall10.toFixed(3),
        bounds({ low, high }),
        figure(ms, "ms"),
        onFront ? l10n.t("yes") : l10n.t("no"),
      ]),
    },
  ];
}

function ofRatios(name: string, title: string, ratios: readonly MeasureRatio[]): FigureContent[] {
  if (ratios.length === 0) return [];
  return [
    {
      name,
      title,
      axis: l10n.t("Times as good; on the right of 1 is better"),
      reference: 1,
      rows: ratios.map((ratio) => {
        const own = advantage(ratio);
        return { ...own, name: nameOf(ratio), shown: times(own.value), verdict: ratio.verdict };
      }),
      heads: RATIO_HEADS,
      cells: ratios.map((ratio) => {
        const { value, low, high } = advantage(ratio);
        const sides = [ratio.median, ratio.otherMedian].map((median) => figure(median, ratio.unit));
        return [nameOf(ratio), ...sides, times(value), bounds({ low, high }), ratioVerdict(ratio)];
      }),
    },
  ];
}

const RATIO_HEADS = [
  l10n.t("Measure"),
  l10n.t("This"),
  l10n.t("The other"),
  l10n.t("Times as good"),
  l10n.t("Its bounds"),
  l10n.t("Verdict"),
];

/** Of two runs both have the same name. */
function nameOf({ name, otherName }: MeasureRatio): string {
  const [own, other] = [worded(name), worded(otherName)];
  return own === other ? own : l10n.t("{0}, beside: {1}", own, other);
}

function skipped(measures: readonly SkippedMeasure[]): HTMLElement[] {
  if (measures.length === 0) return [];
  const items = measures.map(({ area, name, reason }) =>
    element("li", "", {}, l10n.t("{0}, {1}: {2}", areaTitle(area), worded(name), worded(reason))),
  );
  return [element("h2", "", {}, l10n.t("Not measured")), element("ul", "skipped-list dim", {}, ...items)];
}
