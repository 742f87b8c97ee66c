/** Prints [file, line, text] of every text in src/ that a person can read, as JSON. Run by `python -m tests.architecture.strings`. */
import { readFileSync, readdirSync } from "node:fs";
import ts from "typescript";

const WORD_ATTRIBUTES = new Set(["alt", "aria-label", "aria-valuetext", "label", "placeholder", "title"]);
const CODE_ATTRIBUTES = new Set(["className", "d", "viewBox", "transform", "points"]);
const found = [];

/** A text of two words or more, or a capitalised word. */
const reads = (text) => /[A-Za-z]{2,}.*\s.*[A-Za-z]{2,}|^\s*[A-Z][a-z]+/.test(text) && !/^[\w-]+([ .][\w-]+)*\s*[{]/.test(text);

function textOf(node) {
	if (ts.isTemplateExpression(node)) {
		return node.head.text + node.templateSpans.map((span) => `{${span.expression.getText()}}${span.literal.text}`).join("");
	}
	return node.text;
}

function visit(node, file, source) {
	const add = (text) => found.push([file, source.getLineAndCharacterOfPosition(node.getStart()).line + 1, text.trim()]);
	if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return;
	if (ts.isJsxAttribute(node) && CODE_ATTRIBUTES.has(node.name.getText())) return;
	if (ts.isJsxText(node)) {
		if (/[A-Za-z]{2,}/.test(node.text)) add(node.text);
		return;
	}
	if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node)) {
		const text = textOf(node);
		if (reads(text) || (ts.isJsxAttribute(node.parent) && WORD_ATTRIBUTES.has(node.parent.name.getText()) && text)) add(text);
		if (!ts.isTemplateExpression(node)) return;
	}
	ts.forEachChild(node, (child) => visit(child, file, source));
}

for (const file of readdirSync("src", { recursive: true }).sort()) {
	if (!/\.tsx?$/.test(file) || /\.test\.|\.gen\./.test(file)) continue;
	const path = `src/${file}`;
	const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
	visit(source, path, source);
}
process.stdout.write(JSON.stringify(found));
