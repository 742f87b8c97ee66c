import { Button, Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { Icon } from "@/components/Icon";
import { Priority } from "@/lib/pictures/loader";
import { PictureView } from "../components/PictureView";
import type { Trio } from "../components/Triptych";
import { caption } from "../rules/place";
import { neighbours, rowOf, type Session } from "../state/session";

/** Only the three pictures, as large as the screen allows. */
export function FullScreen({ session, trio, onClose }: { session: Session; trio: Trio; onClose: () => void }) {
  const { left, right } = neighbours(session);
  const panels = [
    { key: "left", picture: trio.left, text: left ? `${left.degrees}°` : "" },
    { key: "target", picture: trio.target, text: caption(rowOf(session), session.slot, session.place) },
    { key: "right", picture: trio.right, text: right ? `${right.degrees}°` : "" },
  ];
  return (
    <ModalOverlay className="full-overlay" isOpen onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className="full">
        <Dialog className="full-dialog">
          <Heading slot="title" className="sr-only">
            Compare in full screen
          </Heading>
          <div className="full-panels">
            {panels.map(({ key, picture, text }) =>
              picture ? (
                <figure key={key} className={`full-panel full-${key}`}>
                  <PictureView picture={picture} alt={key === "target" ? "your galaxy" : `the ${key} standard`} priority={Priority.target} />
                  <figcaption>{text}</figcaption>
                </figure>
              ) : null,
            )}
          </div>
          <Button className="tool full-close" aria-label="Close" onPress={onClose}>
            <Icon name="close" />
          </Button>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
