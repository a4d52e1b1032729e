/** A small plot of the last half minute. uPlot draws it, twice a second at most; the newest value stands beside it. */

import { type ReadonlySignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { roundUp, type Series } from "./series";
import { theme } from "./theme";

/** What a strip shows. */
export interface StripProps {
  label: string;
  value: string;
  explained: string;
  /** CSS variables of the lines' colours, one a column. */
  colours: readonly string[];
  series: Series;
  /** Changes whenever the series has grown. */
  grown: ReadonlySignal<number>;
  /** The scale's top at least; fixed where `fixed`. */
  least: number;
  fixed?: boolean;
}

/** A titled strip. */
export function Strip(props: StripProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { series, least, fixed, colours } = props;
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, series, colours, least, fixed ?? false), series.columns, element);
    };
    make();
    const watch = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    watch.observe(element);
    const themed = theme.subscribe(() => requestAnimationFrame(make));
    return () => {
      themed();
      watch.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [series, colours, least, fixed]);
  useSignalEffect(() => {
    if (props.grown.value >= 0 && !document.hidden) plot.current?.setData(series.columns);
  });
  return (
    <div class="strip" title={props.explained}>
      <span class="strip-label">{props.label}</span>
      <span class="strip-value">{props.value}</span>
      <div
        class="strip-plot"
        ref={host}
        role="img"
        aria-label={`${props.label}, last ${series.span} seconds: ${props.value}`}
      />
    </div>
  );
}

function options(
  element: HTMLElement,
  series: Series,
  colours: readonly string[],
  least: number,
  fixed: boolean,
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    padding: [3, 0, 2, 0],
    cursor: { show: false },
    legend: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    axes: [{ show: false }, { show: false }],
    scales: {
      x: { time: false, range: (_plot, _min, max) => [max - series.span, max] },
      y: { range: () => [0, fixed ? least : roundUp(series.peak(least))] },
    },
    series: [
      {},
      ...colours.map((name, at) => ({
        stroke: colour(name),
        width: 1.5,
        points: { show: false },
        ...(at === 0 ? { fill: `color-mix(in srgb, ${colour(name)} 14%, transparent)` } : { dash: [3, 3] }),
      })),
    ],
  };
}
