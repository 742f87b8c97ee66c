import { useEffect, useRef } from "react";
import { Footer } from "@/components/Footer";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import type { Judged, PracticeRound } from "@/lib/api/types";
import { pictureAddress } from "@/lib/pictures/choose";
import { wantRounds } from "@/lib/practiceRounds";
import { DAILY_ADDRESS, labelAddress, loginAddress, signupAddress } from "@/lib/router";
import { useMyCampaign } from "@/lib/useMyCampaign";
import { offsetWords, signed, sumOf } from "../rules/feedback";
import { ShareCard } from "./ShareCard";

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", timeZone: "UTC" });

interface Props {
  round: PracticeRound;
  judged: readonly Judged[];
  /** Undefined while unknown. */
  isSignedIn: boolean | undefined;
  onAgain: () => void;
}

function said({ verdict, inclination_deg: deg }: Judged): string {
  return verdict === "A" && deg !== null ? `${deg}°` : verdict === "F" ? "face-on" : "rejected";
}

/** After the last galaxy: the mean error, a picture to share, and what to do next. */
export function PracticeSum({ round, judged, isSignedIn, onAgain }: Props) {
  const campaign = useMyCampaign().data;
  const there = campaign ? labelAddress(campaign.name) : "/me";
  const sum = sumOf(judged);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    window.scrollTo({ top: 0 });
    heading.current?.focus();
  }, []);
  const title = round.day ? `The five of ${DAY.format(new Date(`${round.day}T00:00:00Z`))}` : "Five galaxies by eye";
  return (
    <>
      <Header />
      <main className="own-answer practice-sum">
        <h1 ref={heading} tabIndex={-1}>
          {sum.meanDeg === null ? "You rejected all five" : `On average ${sum.meanDeg.toFixed(1)}° from the truth`}
        </h1>
        <p>{offsetWords(sum)}</p>
        <ol className="practice-row" data-testid="practice-sum">
          {judged.map((one, place) => {
            const target = round.galaxies[place]?.target;
            return (
              <li key={one.token}>
                {target && <img src={pictureAddress(target, "gri", "small") ?? ""} alt="" width={72} height={72} />}
                <span>
                  you {said(one)}, true {one.true_deg.toFixed(1)}°
                </span>
                <strong>{one.error_deg === null ? "–" : signed(one.error_deg)}</strong>
              </li>
            );
          })}
        </ol>
        <p className="actions">
          {isSignedIn === false && (
            <a className="button primary" href={signupAddress(there)} onClick={wantRounds}>
              Keep it
            </a>
          )}
          {isSignedIn && campaign && (
            <Link to={there} className="button primary">
              Judge a real galaxy
            </Link>
          )}
          <button type="button" className="button" onClick={onAgain}>
            Five more
          </button>
          {!round.day && (
            <Link to={DAILY_ADDRESS} className="button">
              Today’s five
            </Link>
          )}
        </p>
        {isSignedIn === false && (
          <p className="quiet">
            <em>Keep it</em> makes an account with an e-mail address. Your practice is kept there and counts in no measurement.{" "}
            <a href={loginAddress(there)} onClick={wantRounds}>
              I have an account
            </a>
          </p>
        )}
        {isSignedIn && <p className="quiet">Kept in your account. Practice counts in no measurement.</p>}
        <ShareCard card={{ title, sum, errorsDeg: judged.map((one) => one.error_deg), host: window.location.host }} />
      </main>
      <Footer />
    </>
  );
}
