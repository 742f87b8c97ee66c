import "./sheet.css";
import "./tools.css";
import type { ReactNode } from "react";
import { Button, Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { Icon } from "./Icon";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  className?: string;
}

/** A dialog: at the bottom on phones, centred elsewhere. It traps the focus and restores it on closing. */
export default function Sheet({ title, onClose, children, className = "" }: Props) {
  return (
    <ModalOverlay className="sheet-overlay" isOpen isDismissable onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className={`sheet ${className}`}>
        <Dialog className="sheet-dialog">
          <header className="sheet-header">
            <Heading slot="title">{title}</Heading>
          </header>
          {children}
          {/* Last in the tab order, so that the keyboard starts with the content of the sheet. */}
          <Button className="tool bare sheet-close" aria-label="Close" onPress={onClose}>
            <Icon name="close" />
          </Button>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
