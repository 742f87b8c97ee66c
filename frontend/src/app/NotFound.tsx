import { Footer } from "@/components/Footer";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import { useTitle } from "@/lib/useTitle";

export function NotFound() {
  useTitle("Page not found");
  return (
    <>
      <Header />
      <main className="message">
        <h1>Page not found</h1>
        <p>The address may be outdated or mistyped.</p>
        <Link to="/" className="button primary">
          Go to the home page
        </Link>
      </main>
      <Footer />
    </>
  );
}
