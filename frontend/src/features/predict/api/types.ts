/** The shapes of /api/v1/predict/, from the published schema; pairs of numbers are named as such. */

import type { components } from "@/lib/api/schema.gen";
import type { ImageStems } from "@/lib/api/types";

type Schemas = components["schemas"];
type With<Shape, Changes> = Omit<Shape, keyof Changes> & Changes;

export type Interval = readonly [number, number];
export type SourceGalaxy = Schemas["PredictedGalaxy"];
export type Source = With<Schemas["Source"], { pictures: ImageStems }>;
export type Example = Schemas["Example"];
export type ViewBody = Required<Schemas["ViewRequest"]>;
export type Opinion = With<Schemas["Opinion"], { interval_68_deg: Interval | null }>;
export type Ellipse = With<Schemas["Ellipse"], { centre: readonly [number, number] }>;
export type Answer = With<
  Schemas["Prediction"],
  {
    interval_68_deg: Interval | null;
    interval_95_deg: Interval | null;
    models: readonly Opinion[];
    views: readonly Opinion[];
    ellipse: Ellipse | null;
    seen: ImageStems;
  }
>;
