import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { actions } from "./store";
import "./style/base.css";
import "./style/layout.css";
import "./style/chat.css";
import "./style/panel.css";
import "./style/policy.css";

void actions.start();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
