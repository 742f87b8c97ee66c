import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Band, Standard, StandardSet } from "@/lib/api/types";
import { availableBand, pictureAddress, type Source } from "@/lib/pictures/choose";
import { usePreferences } from "@/lib/preferences";
import { queryKeys } from "@/lib/queryKeys";
import { getStandardSet } from "../api";
import type { Session, View } from "../state/session";
import { typicalZoom, zoomCorrection } from "../rules/zoom";

/** One picture to draw: its files, and how it is shown. */
export interface Picture {
  small: string | null;
  large: string | null;
  band: Band | null;
  wanted: Band;
  view: View;
  isOwn: boolean;
  /** The standard's own display corrections. */
  correction: { rotationDeg: number; zoom: number };
}

export interface Album {
  set: StandardSet;
  byId: ReadonlyMap<number, Standard>;
  typicalZoom: number;
}

const NO_CORRECTION = { rotationDeg: 0, zoom: 1 };

/** The standard sets of the leased galaxies (nearly always one), cached permanently. */
export function useAlbums(sessions: readonly Session[]) {
  const ids = [...new Set(sessions.map((session) => session.task.standard_set))];
  return useQueries({
    queries: ids.map((id) => ({ queryKey: queryKeys.standardSet(id), queryFn: () => getStandardSet(id), staleTime: Number.POSITIVE_INFINITY })),
    combine: (results) => ({
      error: results.find((result) => result.error)?.error ?? null,
      refetch: () => results.forEach((result) => void result.refetch()),
      byId: new Map<number, Album>(
        results.flatMap(({ data }) =>
          data
            ? [[data.id, { set: data, byId: new Map(data.standards.map((standard) => [standard.id, standard])), typicalZoom: typicalZoom(data.standards.map((standard) => standard.zoom)) }] as const]
            : [],
        ),
      ),
    }),
  });
}

export function useSharedView(session: Session | null): View {
  const { band, invert } = usePreferences();
  const zoom = session?.zoom ?? 1;
  const rotationDeg = session?.rotationDeg ?? 0;
  const flip = session?.flip ?? false;
  return useMemo(() => ({ band, invert, zoom, rotationDeg, flip }), [band, invert, zoom, rotationDeg, flip]);
}

function pictureOf(source: Source, own: View | undefined, shared: View, correction: Picture["correction"]): Picture {
  const view = own ?? shared;
  const band = availableBand(source.images, view.band);
  return {
    small: band && pictureAddress(source, band, "small"),
    large: band && pictureAddress(source, band, "large"),
    band,
    wanted: view.band,
    view,
    isOwn: own !== undefined,
    correction,
  };
}

export function targetPicture(session: Session, shared: View): Picture {
  return pictureOf(session.task.target, session.own.target, shared, NO_CORRECTION);
}

export function standardPicture(session: Session, album: Album | undefined, standardId: number, shared: View): Picture | null {
  const standard = album?.byId.get(standardId);
  if (!album || !standard) return null;
  const source = { images: standard.images, sizes_px: standard.sizes_px ?? album.set.sizes_px, image_path: album.set.image_path };
  const correction = { rotationDeg: standard.rotation_deg, zoom: zoomCorrection(standard.zoom, album.typicalZoom, standard.rotation_deg) };
  return pictureOf(source, session.own[standardId], shared, correction);
}
