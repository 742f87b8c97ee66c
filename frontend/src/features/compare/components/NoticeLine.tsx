import type { Notice } from "../hooks/useNotice";

export function NoticeLine({ notice, onUndo }: { notice: Notice | null; onUndo?: (() => void) | undefined }) {
  return (
    <div className="notice-line" role="status">
      {notice && (
        <p className="notice">
          {notice.text}
          {notice.canUndo && onUndo && (
            <>
              {" · "}
              <button type="button" className="text-button" onClick={onUndo}>
                undo
              </button>
            </>
          )}
        </p>
      )}
    </div>
  );
}
