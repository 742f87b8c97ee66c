import { Footer } from "@/components/Footer";
import { Header } from "@/components/Header";
import { useOutbox } from "@/lib/outbox";
import { loginAddress, signupAddress, usePath } from "@/lib/router";

/** For visitors who are not logged in; login and sign-up both lead back here. */
export function Invitation({ title }: { title: string | undefined }) {
  const path = usePath();
  const { needsLogin } = useOutbox();
  if (needsLogin) {
    return (
      <>
        <Header />
        <main className="message">
          <h1>Please log in again</h1>
          <p>You have been logged out. Your vote is saved and will be sent after you log in.</p>
          <p className="actions">
            <a className="button primary" href={loginAddress(path)}>
              Log in
            </a>
          </p>
        </main>
        <Footer />
      </>
    );
  }
  return (
    <>
      <Header />
      <main className="message">
        <h1>{title ?? "A galaxy is waiting for you"}</h1>
        <p>
          You compare one galaxy with others whose tilt is known, and decide between which two it belongs. It takes about a minute, and needs no knowledge of astronomy.
        </p>
        <p>Your answers are kept in your account. Others only ever see a number.</p>
        <p className="actions">
          <a className="button primary" href={signupAddress(path)}>
            Sign up and begin
          </a>
          <a className="button" href={loginAddress(path)}>
            I have an account
          </a>
        </p>
      </main>
      <Footer />
    </>
  );
}
