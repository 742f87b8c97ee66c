import { useState } from "react";
import { Button, Checkbox, CheckboxGroup, Form, Label, Text, TextArea, TextField } from "react-aria-components";
import { ReasonArt } from "@/components/ReasonArt";
import Sheet from "@/components/Sheet";
import type { Reason } from "@/lib/api/types";
import { REASON_TITLES } from "@/lib/reasonTitles";
import { REASONS } from "@/lib/reasonWords";
import type { Remarks } from "../state/session";

const NOTE_LENGTH = 500;

interface Props {
  isRemark: boolean;
  remarks: Remarks;
  onDone: (remarks: Remarks) => void;
  onClose: () => void;
}

export function ReasonSheet({ isRemark, remarks, onDone, onClose }: Props) {
  const [reasons, setReasons] = useState<Reason[]>(remarks.reasons);
  const [comment, setComment] = useState(remarks.comment);
  const isIncomplete = !isRemark && reasons.length === 0;
  return (
    <Sheet title={isRemark ? "Add a remark" : "Why can't it be judged?"} className="reason-sheet" onClose={onClose}>
      <Form
        className="reason-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isIncomplete) onDone({ reasons, comment: comment.trim() });
        }}
      >
        <CheckboxGroup className="reason-group" value={reasons} onChange={(values) => setReasons(values as Reason[])}>
          <Label className="sheet-intro">{isRemark ? "It goes along with your answer. Choose any that apply." : "Choose all that apply."}</Label>
          <div className="reason-grid">
            {REASONS.map(({ code, words }) => (
              <Checkbox key={code} value={code} className="reason">
                <ReasonArt reason={code} className="reason-art" />
                <span className="reason-text">
                  <strong>{REASON_TITLES[code]}</strong>
                  <span>{words}</span>
                </span>
                <span className="reason-tick" aria-hidden="true" />
              </Checkbox>
            ))}
          </div>
        </CheckboxGroup>
        <TextField className="note" value={comment} onChange={setComment} maxLength={NOTE_LENGTH}>
          <Label>A note, if you like</Label>
          <TextArea rows={1} />
          {comment.length > NOTE_LENGTH - 100 && <Text slot="description">{NOTE_LENGTH - comment.length} characters left</Text>}
        </TextField>
        <div className="sheet-actions">
          <Button className="button quiet" onPress={onClose}>
            <span className="wide-only">Back to the galaxy</span>
            <span className="narrow-only">Back</span>
          </Button>
          <Button className="button primary" type="submit" isDisabled={isIncomplete}>
            {isRemark ? "Keep the remark" : "Reject this galaxy"}
          </Button>
        </div>
      </Form>
    </Sheet>
  );
}
