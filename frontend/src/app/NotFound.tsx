import { Footer } from "@/components/Footer";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import { useTitle } from "@/lib/useTitle";

export function NotFound() {
  useTitle("No page here");
  return (
    <>
      <Header />
      <main className="message">
        <h1>There is no page here</h1>
        <p>The address may be old, or mistyped.</p>
        <Link to="/" className="button primary">
          To the first page
        </Link>
      </main>
      <Footer />
    </>
  );
}
