import { useEffect, useRef, useState } from "react";
import { Button, Checkbox, CheckboxGroup, Form, Label, Text, TextArea, TextField } from "react-aria-components";
import { ReasonArt } from "@/components/ReasonArt";
import Sheet from "@/components/Sheet";
import type { Reason } from "@/lib/api/types";
import { usePreferences } from "@/lib/preferences";
import { REASONS } from "@/lib/reasons";
import type { Remarks } from "../state/session";

const NOTE_LENGTH = 500;

interface Props {
  isRemark: boolean;
  remarks: Remarks;
  onDone: (remarks: Remarks) => void;
  onClose: () => void;
}

/** Digits choose reasons and Enter finishes; in the note and on buttons these keys do what they always do. */
function useReasonKeys(onReason: (code: Reason) => void, onDone: () => void): void {
  const latest = useRef({ onReason, onDone });
  useEffect(() => {
    latest.current = { onReason, onDone };
  });
  useEffect(() => {
    const onKeyDown = ({ key, target, ctrlKey, altKey, metaKey, repeat }: KeyboardEvent) => {
      if (ctrlKey || altKey || metaKey || repeat || target instanceof HTMLTextAreaElement) return;
      const chosen = /^[1-9]$/.test(key) ? REASONS[Number(key) - 1] : undefined;
      if (chosen) latest.current.onReason(chosen.code);
      else if (key === "Enter" && target instanceof Element && target.getAttribute("role") === "dialog") latest.current.onDone();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}

export function ReasonSheet({ isRemark, remarks, onDone, onClose }: Props) {
  const [reasons, setReasons] = useState<Reason[]>(remarks.reasons);
  const { show_keys: showKeys } = usePreferences();
  const [comment, setComment] = useState(remarks.comment);
  const isIncomplete = !isRemark && reasons.length === 0;
  const done = () => !isIncomplete && onDone({ reasons, comment: comment.trim() });
  useReasonKeys((code) => setReasons((before) => (before.includes(code) ? before.filter((other) => other !== code) : [...before, code])), done);
  return (
    <Sheet title={isRemark ? "Add a remark" : "Why can't it be judged?"} className="reason-sheet" onClose={onClose}>
      <Form
        className="reason-form"
        onSubmit={(event) => {
          event.preventDefault();
          done();
        }}
      >
        <CheckboxGroup className="reason-group" value={reasons} onChange={(values) => setReasons(values as Reason[])}>
          <Label className="sheet-intro">{isRemark ? "It is sent with your answer. Choose any that apply." : "Choose all that apply."}</Label>
          <div className="reason-grid">
            {REASONS.map(({ code, title, words }, index) => (
              <Checkbox key={code} value={code} className="reason" aria-keyshortcuts={String(index + 1)}>
                <ReasonArt reason={code} className="reason-art" />
                <span className="reason-text">
                  <strong>{title}</strong>
                  <span>{words}</span>
                </span>
                {showKeys && <span className="key" data-key={index + 1} aria-hidden="true" />}
                <span className="reason-tick" aria-hidden="true" />
              </Checkbox>
            ))}
          </div>
        </CheckboxGroup>
        <TextField className="note" value={comment} onChange={setComment} maxLength={NOTE_LENGTH}>
          <Label>Note (optional)</Label>
          <TextArea rows={1} />
          {comment.length > NOTE_LENGTH - 100 && <Text slot="description">{NOTE_LENGTH - comment.length} characters left</Text>}
        </TextField>
        <div className="sheet-actions">
          <Button className="button quiet" onPress={onClose}>
            <span className="wide-only">Back to the galaxy</span>
            <span className="narrow-only">Back</span>
          </Button>
          <Button className="button primary" type="submit" isDisabled={isIncomplete}>
            {isRemark ? "Save the remark" : "Reject this galaxy"}
          </Button>
        </div>
      </Form>
    </Sheet>
  );
}
